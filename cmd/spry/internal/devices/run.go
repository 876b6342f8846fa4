// SPDX-License-Identifier: MIT

package devices

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/device"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// Example is a file with every key, and what it means.
//
//go:embed example.toml
var Example string

// Options of [Run].
type Options struct {
	File   string
	Every  time.Duration    // between two reports of the figures; 0 for none but the last
	Ask    <-chan os.Signal // asks for one now
	Reload <-chan os.Signal // asks to read the file again
	Say    func(form string, args ...any)
	Print  func(form string, args ...any) // what was asked for, and errors
}

// Check reads a file, and returns lines that say what it describes. It opens nothing.
func Check(file string) (list []string, err error) {
	c, err := read(file)
	if err != nil {
		return nil, err
	}
	for _, d := range c.devices {
		list = append(list, d.String())
	}
	return list, nil
}

// A machine is a [device.Running].
type machine interface {
	Ended() <-chan error
	Drain(ctx context.Context)
	Figures() []string
}

// A running device, with what the file said of it.
type running struct {
	*deviceConfig
	device machine
	tap    *tap          // nil if there is none
	over   chan struct{} // closed when it is ended
}

// A failure is that of a device that ended by itself.
type failure struct {
	of  *running
	err error
}

// A site is all devices of a file.
type site struct {
	o        *Options
	begin    func(ctx context.Context, o device.Options, limits device.Limits, look func(bool, []*spry.Message)) (machine, error)
	linger   time.Duration
	devices  []*running
	failed   chan failure
	watching sync.WaitGroup
}

func newSite(o *Options) *site {
	return &site{
		o: o, failed: make(chan failure),
		begin: func(ctx context.Context, o device.Options, limits device.Limits, look func(bool, []*spry.Message)) (machine, error) {
			return device.Start(ctx, o, limits, look)
		},
	}
}

// Run runs the devices of a file until ctx ends, which is no error, or one of them fails. Then all pass on what they have.
func Run(ctx context.Context, o Options) error { return newSite(&o).run(ctx) }

func (s *site) run(ctx context.Context) error {
	o := s.o
	c, err := read(o.File)
	if err != nil {
		return err
	}
	s.linger = c.linger
	defer func() { s.end(ctx, s.devices); s.watching.Wait(); s.figures(o.Say) }()
	for _, d := range c.devices {
		r, err := s.start(ctx, d)
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		s.devices = append(s.devices, r)
	}
	var due <-chan time.Time
	if o.Every > 0 {
		ticker := time.NewTicker(o.Every)
		defer ticker.Stop()
		due = ticker.C
	}
	for {
		select {
		case <-due:
			s.figures(o.Print)
		case <-o.Ask:
			s.figures(o.Print)
		case <-o.Reload:
			if err := s.reload(ctx); err != nil {
				return err
			}
		case f := <-s.failed:
			return fmt.Errorf("%s failed, which ends all devices: %w", f.of.name, f.err)
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *site) start(ctx context.Context, d *deviceConfig) (*running, error) {
	say := func(form string, args ...any) { s.o.Say(d.name+": "+form, args...) }
	r := &running{deviceConfig: d, over: make(chan struct{})}
	var look func(bool, []*spry.Message)
	var err error
	if len(d.tap) > 0 {
		if r.tap, err = newTap(ctx, d, func(form string, args ...any) { say("tap: "+form, args...) }); err != nil {
			return nil, err
		}
		look = r.tap.look
	}
	o := device.Options{
		Kind: d.pattern, TTL: d.ttl, Security: d.security, Join: d.join, Separator: d.frames, Say: say,
		Front: device.NewSide("front", endpoint.Set{Listen: d.front, Dial: d.dialFront, TLS: d.tls}),
		Back:  device.NewSide("back", endpoint.Set{Listen: d.back, Dial: d.dialBack, TLS: d.tls}),
	}
	if r.device, err = s.begin(ctx, o, d.limits, look); err != nil {
		if r.tap != nil {
			_ = r.tap.pub.Close()
		}
		return nil, err
	}
	s.watching.Go(func() {
		select {
		case err := <-r.device.Ended():
			select {
			case s.failed <- failure{r, err}:
			case <-r.over:
			}
		case <-r.over:
		}
	})
	return r, nil
}

// end drains devices, all at one time.
func (s *site) end(ctx context.Context, list []*running) {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.linger)
	defer cancel()
	var working sync.WaitGroup
	for _, r := range list {
		close(r.over)
		working.Go(func() {
			r.device.Drain(ending)
			if r.tap != nil {
				_ = r.tap.pub.Shutdown(ending)
			}
		})
	}
	working.Wait()
}

func (s *site) figures(say func(form string, args ...any)) {
	for _, r := range s.devices {
		for _, text := range r.device.Figures() {
			say("%s: %s", r.name, text)
		}
		if r.tap != nil {
			say("%s: %s", r.name, r.tap.figures())
		}
	}
}
