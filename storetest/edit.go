package storetest

import (
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// The functions below are changes for newTask.

func withID(id int64) func(*store.NewTask) { return func(n *store.NewTask) { n.ID = id } }

func withName(name string) func(*store.NewTask) { return func(n *store.NewTask) { n.Name = name } }

func withQueue(queue string) func(*store.NewTask) { return func(n *store.NewTask) { n.Queue = queue } }

func withPriority(p int) func(*store.NewTask) { return func(n *store.NewTask) { n.Priority = p } }

func withParams(s string) func(*store.NewTask) {
	return func(n *store.NewTask) { n.Params = []byte(s) }
}

func withDelay(d time.Duration) func(*store.NewTask) { return func(n *store.NewTask) { n.Delay = d } }

func withETA(at time.Time) func(*store.NewTask) { return func(n *store.NewTask) { n.ETA = at } }

func withKey(key string) func(*store.NewTask) { return func(n *store.NewTask) { n.UniqueKey = key } }

func replacing(n *store.NewTask) { n.Replace = true }
