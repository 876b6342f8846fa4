// SPDX-License-Identifier: MIT

package devices

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/internal/textform"
)

// A Copy is what a tap sends of a message, after its topic and a line feed: a JSON object. The topic is the name of the device, a space,
// and the side that the message goes to.
type Copy struct {
	Time    time.Time `json:"time"`
	Device  string    `json:"device"`
	To      string    `json:"to"` // front or back
	Peer    string    `json:"peer,omitempty"`
	Pipe    uint64    `json:"pipe,omitempty"`
	Size    int       `json:"size"`
	Count   uint64    `json:"count"`   // messages that have passed in both directions, this one among them
	Skipped uint64    `json:"skipped"` // messages since the last copy that were not copied
	textform.Contents
}

// A tap sends copies of what passes a device, as long as a subscriber receives them. It never waits.
type tap struct {
	name  string
	every uint64
	rate  float64
	pub   *spry.Pub

	mu      sync.Mutex // guards the fields below
	passed  uint64
	skipped uint64
	next    time.Time
	copied  atomic.Uint64
	omitted atomic.Uint64 // not copied, because of the sampling
}

func newTap(ctx context.Context, d *deviceConfig, say func(form string, args ...any)) (*tap, error) {
	t := &tap{name: d.name, every: uint64(max(d.tapEvery, 1)), rate: d.tapRate}
	security, err := d.security.Library()
	if err != nil {
		return nil, err
	}
	t.pub = spry.NewPub(&spry.PubOptions{Options: spry.Options{Transports: endpoint.Transports(), Security: security}})
	set := endpoint.Set{Listen: d.tap, TLS: d.tls}
	if err := set.Open(ctx, t.pub, say); err != nil {
		_ = t.pub.Close()
		return nil, fmt.Errorf("tap: %w", err)
	}
	return t, nil
}

// look copies some of the messages that pass.
func (t *tap) look(toBack bool, ms []*spry.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	heard := false
	for range t.pub.Pipes() {
		heard = true
		break
	}
	for _, m := range ms {
		t.passed++
		now := time.Now()
		if !heard || t.passed%t.every != 0 || t.rate > 0 && now.Before(t.next) {
			t.skipped++
			if heard {
				t.omitted.Add(1)
			}
			continue
		}
		if t.rate > 0 {
			t.next = now.Add(time.Duration(float64(time.Second) / t.rate))
		}
		t.send(now, toBack, m)
		t.skipped = 0
	}
}

func (t *tap) send(now time.Time, toBack bool, m *spry.Message) {
	c := Copy{Time: now, Device: t.name, To: "front", Size: m.Len(), Count: t.passed, Skipped: t.skipped}
	if toBack {
		c.To = "back"
	}
	c.Peer, c.Pipe = endpoint.Peer(m.Pipe())
	var frames []string
	for _, f := range m.Frames() {
		frames = append(frames, string(f))
	}
	c.Contents = textform.ContentsOf(frames...)
	text, err := json.Marshal(c)
	if err != nil {
		return
	}
	body := append([]byte(t.name+" "+c.To+"\n"), text...)
	if t.pub.Send(context.Background(), body) == nil { // a full queue drops, and counts
		t.copied.Add(1)
	}
}

// figures are the counters, on a line.
func (t *tap) figures() string {
	return fmt.Sprintf("tap: %d copied, %d not; %s", t.copied.Load(), t.omitted.Load(), endpoint.Figures(t.pub, 0))
}
