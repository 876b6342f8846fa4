// SPDX-License-Identifier: MIT

package dash

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/web"
)

const (
	pageQueue     = 16               // messages that wait for a page, besides those of the store
	pageQueueSize = 1 << 20          // and their bytes; a larger message waits alone
	pageHeartbeat = 10 * time.Second // a page that answers no ping has gone
)

// feed serves a page's WebSocket. Each page has a Pub of its own: so a slow one waits alone.
func (d *Dash) feed(w http.ResponseWriter, r *http.Request) {
	select {
	case d.pages <- struct{}{}:
	default:
		refuse(w, http.StatusServiceUnavailable, "too many pages are open")
		return
	}
	pub := spry.NewPub(&spry.PubOptions{Overflow: spry.Block, Options: spry.Options{
		Unlisted: true, SendQueue: pageQueue, SendQueueBytes: pageQueueSize, MaxMessageSize: 1024, Heartbeat: pageHeartbeat, Linger: -1,
		Transports: []transport.Transport{ws.Transport{}},
	}})
	pipe, err := web.Accept(pub, w, r, &web.Options{Origins: []string{"*"}, Dialects: []string{"sp"}}) // the origin has been checked
	if err == nil && d.scope.Go(func() { d.publish(pub, pipe) }) == nil {
		return
	}
	_ = pub.Close()
	<-d.pages
}

// publish sends a page the latest message of each topic, as they change, until it has gone.
func (d *Dash) publish(pub *spry.Pub, pipe *spry.Pipe) {
	ctx, cancel := context.WithCancel(d.scope.Context())
	defer func() {
		cancel()
		_ = pub.Close() // which waits for no message
		<-d.pages
	}()
	_ = d.scope.Go(func() { // ends a Send that is blocked
		select {
		case <-pipe.Done():
			cancel()
		case <-ctx.Done():
		}
	})
	sent := make(map[*topic]uint64) // versions
	for version := uint64(0); ; {
		changed, latest, more := d.store.after(version)
		for _, t := range changed {
			text, current := d.store.take(t)
			if text == nil || sent[t] == current { // it was removed, or has been sent in the last round
				continue
			}
			if pub.Send(ctx, text) != nil {
				return
			}
			sent[t] = current
		}
		version = latest
		maps.DeleteFunc(sent, func(_ *topic, v uint64) bool { return v <= version }) // after has none of these
		select {
		case <-more:
		case <-ctx.Done():
			return
		}
	}
}
