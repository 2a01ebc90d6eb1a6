package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fireflytasks/go-firefly/store"
)

func TestAs(t *testing.T) {
	bare, begins := &fakeStore{}, &beginningStore{}
	for _, tc := range []struct {
		name  string
		store store.Store
		want  store.Beginner // nil if it is not to be found
	}{
		{"nil", nil, nil},
		{"a store without it", bare, nil},
		{"the store itself", begins, begins},
		{"behind a wrapper", wrapper{begins}, begins},
		{"behind three wrappers", wrapper{wrapper{wrapper{begins}}}, begins},
		{"wrappers around a store without it", wrapper{wrapper{bare}}, nil},
		{"a wrapper around nothing", wrapper{nil}, nil},
		{"behind a wrapper that hides it", wrapper{opaque{begins}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := store.As[store.Beginner](tc.store)
			if ok != (tc.want != nil) || got != tc.want {
				t.Errorf("got %v and %t, want %v", got, ok, tc.want)
			}
		})
	}
}

// beginningWrapper offers the capability in its own way.
type beginningWrapper struct{ wrapper }

func (beginningWrapper) Begin(context.Context) (store.Tx, error) { return nil, errors.New("mine") }

func TestAsPrefersTheOutermost(t *testing.T) {
	b, ok := store.As[store.Beginner](wrapper{beginningWrapper{wrapper{&beginningStore{}}}})
	if !ok {
		t.Fatal("not found")
	}
	if _, err := b.Begin(t.Context()); err == nil || err.Error() != "mine" {
		t.Errorf("found the inner store's: %v", err)
	}
}

func TestBase(t *testing.T) {
	base := &fakeStore{}
	hides := opaque{base}
	for _, tc := range []struct {
		name        string
		store, want store.Store
	}{
		{"the store itself", base, base},
		{"behind two wrappers", wrapper{wrapper{base}}, base},
		{"a wrapper without Unwrap", wrapper{hides}, hides},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := store.Base(tc.store); got != tc.want {
				t.Errorf("got %T, want %T", got, tc.want)
			}
		})
	}
}

func TestClose(t *testing.T) {
	t.Run("a store that cannot be closed", func(t *testing.T) {
		if err := store.Close(wrapper{&fakeStore{}}); err != nil {
			t.Error(err)
		}
	})
	t.Run("a store behind a wrapper, with its error", func(t *testing.T) {
		s := &closingStore{err: errors.New("flush failed")}
		if err := store.Close(wrapper{s}); !errors.Is(err, s.err) {
			t.Errorf("got %v, want %v", err, s.err)
		}
		if s.closed != 1 {
			t.Errorf("closed %d times", s.closed)
		}
	})
}

func TestFilterIsZero(t *testing.T) {
	if !(&store.Filter{}).IsZero() {
		t.Error("the zero filter is not zero")
	}
	for name, f := range map[string]store.Filter{
		"no id at all":  {IDs: []int64{}},
		"IDs":           {IDs: []int64{1}},
		"Statuses":      {Statuses: []store.Status{store.Failed}},
		"Queues":        {Queues: []string{"q"}},
		"Names":         {Names: []string{"n"}},
		"ErrorText":     {ErrorText: "x"},
		"OlderThan":     {OlderThan: 1},
		"nothing named": {Names: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			if f.IsZero() {
				t.Error("a condition is set, but the filter is zero")
			}
		})
	}
}
