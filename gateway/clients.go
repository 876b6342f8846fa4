// SPDX-License-Identifier: MIT

package gateway

import (
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"github.com/sprymq/spry/internal/lock"
)

// maxClients is how many clients without a request are remembered for their rates.
const maxClients = 10_000

// clients counts the requests of each client, and limits their rates.
type clients struct {
	perClient int
	all       int
	limit     rate.Limit // 0 means none
	burst     int

	mu   lock.Mutex[lock.GatewayClients]
	open int
	by   map[string]*client
}

type client struct {
	open    int
	limiter *rate.Limiter
	seen    time.Time
}

func newClients(o *Options) *clients {
	c := &clients{perClient: o.MaxPerClient, all: o.MaxRequests, burst: o.Burst, by: make(map[string]*client)}
	if o.Rate > 0 {
		c.limit = rate.Limit(o.Rate)
	}
	return c
}

var (
	errTooFast    = &StatusError{http.StatusTooManyRequests, "this client sends requests too fast"}
	errTooMany    = &StatusError{http.StatusTooManyRequests, "this client has too many requests at one time"}
	errAllTooMany = &StatusError{http.StatusServiceUnavailable, "all clients have too many requests at one time"}
)

// begin counts a request that begins, unless it is one too many. Each one that begins needs an end.
func (c *clients) begin(name string, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.by[name]
	switch {
	case known != nil && known.open >= c.perClient:
		return errTooMany
	case c.open >= c.all:
		return errAllTooMany
	case known == nil:
		if len(c.by)-c.open >= maxClients {
			c.forgetLocked(now)
		}
		known = &client{}
		if c.limit > 0 {
			known.limiter = rate.NewLimiter(c.limit, c.burst)
		}
		c.by[name] = known
	}
	known.seen = now
	if known.limiter != nil && !known.limiter.AllowN(now, 1) {
		return errTooFast
	}
	known.open++
	c.open++
	return nil
}

func (c *clients) end(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.by[name]
	known.open--
	c.open--
	if known.open == 0 && known.limiter == nil {
		delete(c.by, name)
	}
}

// forgetLocked forgets clients without a request: first those whose burst is whole again, who lose nothing by it, and then any, until
// there is room.
func (c *clients) forgetLocked(now time.Time) {
	whole := time.Duration(float64(c.burst) / float64(c.limit) * float64(time.Second))
	for name, known := range c.by {
		if known.open == 0 && now.Sub(known.seen) > whole {
			delete(c.by, name)
		}
	}
	for name, known := range c.by {
		if len(c.by)-c.open < maxClients*9/10 {
			return
		}
		if known.open == 0 {
			delete(c.by, name)
		}
	}
}
