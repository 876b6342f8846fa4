// SPDX-License-Identifier: MIT

package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// The first mark is about as old as the oldest message: no older, and at least a fifth of it. Marks are few however long a queue waits.
func TestMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var m marks
		for i := range 1000 { // a message comes each second, and one of two leaves
			sent := uint64(i / 2)
			m = m.add(sent, i-int(sent)+1)
			if len(m) == 0 || len(m) > maxMarks {
				t.Fatalf("%d marks", len(m))
			}
			age := time.Since(epoch) - m[0].at
			oldest := time.Since(began) - time.Duration(sent)*time.Second // the message with that number came then
			if age > oldest || age < oldest/5-2*time.Second {
				t.Fatalf("after %d messages the oldest is %v old, and the mark says %v", i+1, oldest, age)
			}
			time.Sleep(time.Second)
		}
		if m = m.of(1000); len(m) != 0 {
			t.Errorf("%d marks of sent messages", len(m))
		}
	})
}

// Newer messages that take the places of dropped ones are not as old as those were; what is being written is.
func TestMarksOfDroppedMessages(t *testing.T) {
	m := marks(nil).add(10, 100)
	m.dropped(10, 99)
	if m = m.of(10); len(m) != 1 || m[0].before != 11 {
		t.Errorf("marks %v with one old message left", m)
	}
	if m = m.of(11); len(m) != 0 {
		t.Errorf("marks %v of new messages", m)
	}
}
