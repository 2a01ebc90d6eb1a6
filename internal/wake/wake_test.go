package wake_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

func news(queue string, cancelled ...int64) *wake.News {
	var n wake.News
	n.Due(queue)
	for _, id := range cancelled {
		n.Cancelled(queue, id)
	}
	return &n
}

// What is announced between two waits is not lost, and heard once.
func TestNewsBetweenWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b wake.Board
		never := make(chan struct{})
		queues := []string{"a", "b"}
		heard := make(chan store.Hint)
		wait := func() {
			hint, err := b.Wait(t.Context(), never, queues)
			if err != nil {
				t.Error(err)
			}
			heard <- hint
		}
		go wait()
		synctest.Wait()
		b.Announce(news("a"))
		<-heard

		b.Announce(news("a", 1))
		b.Announce(news("b", 2))
		b.Announce(news("c", 3))
		go wait()
		if hint := <-heard; !slices.Equal(hint.Cancelled, []int64{1, 2}) {
			t.Errorf("heard that %v are cancelled, want 1 and 2, announced since the last wait", hint.Cancelled)
		}

		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := b.Wait(ctx, never, queues)
			ended <- err
		}()
		synctest.Wait()
		select {
		case err := <-ended:
			t.Errorf("a wait for which there is no news ended with %v", err)
		default:
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the wait ended with %v", err)
		}
	})
}

// Each of several that wait for the same queues hears everything.
func TestAllWhoWaitHear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b wake.Board
		never := make(chan struct{})
		heard := make(chan store.Hint)
		for range 3 {
			go func() {
				hint, err := b.Wait(t.Context(), never, []string{"a"})
				if err != nil {
					t.Error(err)
				}
				heard <- hint
			}()
		}
		synctest.Wait()
		b.Announce(news("b"))
		b.AnnounceAll()
		b.Announce(news("a", 7))
		for range 3 {
			if hint := <-heard; !slices.Equal(hint.Cancelled, []int64{7}) && hint.Cancelled != nil {
				t.Errorf("heard %v", hint.Cancelled)
			}
		}
	})
}

func TestClosed(t *testing.T) {
	var b wake.Board
	done := make(chan struct{})
	close(done)
	if _, err := b.Wait(t.Context(), done, []string{"a"}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a wait after the end: %v", err)
	}
}
