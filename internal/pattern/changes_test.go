// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/engine"
)

func heard(c *changes) (all []Change) {
	for v, ok := c.take(); ok; v, ok = c.take() {
		all = append(all, v)
	}
	return all
}

// What is taken back before anybody heard of it has not happened; the rest is heard in order.
func TestChangesCoalesce(t *testing.T) {
	var c changes
	c.add("a", true)
	c.add("b", true)
	c.add("a", false)
	c.add("c", true)
	c.add("a", true) // after b and c now
	if got, want := heard(&c), []Change{{"b", true}, {"c", true}, {"a", true}}; !slices.Equal(got, want) {
		t.Errorf("heard %v, want %v", got, want)
	}
	c.add("b", false)
	c.add("b", true)
	c.add("a", false)
	if got, want := heard(&c), []Change{{"a", false}}; !slices.Equal(got, want) {
		t.Errorf("heard %v, want %v", got, want)
	}
}

// However often topics come and go, no more is kept than there are topics.
func TestUnheardChangesDoNotGrow(t *testing.T) {
	var c changes
	for i := range 100_000 {
		topic := fmt.Sprint(i % 10)
		c.add(topic, i/10%2 == 0)
	}
	if n := c.order.Len(); n > 10 || n != len(c.pending) {
		t.Errorf("%d changes of 10 topics wait, and %d can be found", n, len(c.pending))
	}
}

// Every change goes to one of those that wait; they are let go by their contexts, and by close.
func TestWaitingForChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c changes
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.next(gone); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waited until %v", err)
		}
		got := make(chan string, 3)
		for range 3 {
			go func() {
				v, err := c.next(t.Context())
				got <- fmt.Sprint(v, err)
			}()
		}
		synctest.Wait()
		c.add("a", true)
		synctest.Wait()
		c.add("a", false) // for another: the first one has been heard of
		synctest.Wait()
		c.close(engine.ErrClosed)
		c.add("b", true)
		all := []string{<-got, <-got, <-got}
		want := []string{fmt.Sprint(Change{"a", true}, nil), fmt.Sprint(Change{"a", false}, nil), fmt.Sprint(Change{}, engine.ErrClosed)}
		slices.Sort(all)
		slices.Sort(want)
		if !slices.Equal(all, want) {
			t.Errorf("heard %q, want %q", all, want)
		}
		if _, err := c.next(t.Context()); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}
