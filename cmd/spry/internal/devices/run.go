// SPDX-License-Identifier: MIT

package devices

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"slices"
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

// A running device, with what the file said of it.
type running struct {
	*deviceConfig
	device *device.Running
	tap    *tap // nil if there is none
}

// A site is all devices of a file.
type site struct {
	o       *Options
	linger  time.Duration
	devices []*running
}

// Run runs the devices of a file until ctx ends, which is no error.
func Run(ctx context.Context, o Options) error {
	c, err := read(o.File)
	if err != nil {
		return err
	}
	s := &site{o: &o, linger: c.linger}
	defer func() { s.end(ctx, s.devices); s.figures(o.Say) }()
	for _, d := range c.devices {
		if err := s.start(ctx, d); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
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
			s.reload(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *site) start(ctx context.Context, d *deviceConfig) error {
	say := func(form string, args ...any) { s.o.Say(d.name+": "+form, args...) }
	r := &running{deviceConfig: d}
	var look func(bool, []*spry.Message)
	var err error
	if len(d.tap) > 0 {
		if r.tap, err = newTap(ctx, d, func(form string, args ...any) { say("tap: "+form, args...) }); err != nil {
			return err
		}
		look = r.tap.look
	}
	o := device.Options{
		Kind: d.pattern, TTL: d.ttl, Security: d.security, Join: d.join, Separator: d.frames, Say: say,
		Front: device.NewSide("front", endpoint.Set{Listen: d.front, Dial: d.dialFront, TLS: d.tls}),
		Back:  device.NewSide("back", endpoint.Set{Listen: d.back, Dial: d.dialBack, TLS: d.tls}),
	}
	if r.device, err = device.Start(ctx, o, d.limits, look); err != nil {
		if r.tap != nil {
			_ = r.tap.pub.Close()
		}
		return err
	}
	s.devices = append(s.devices, r)
	return nil
}

// end drains devices, all at one time.
func (s *site) end(ctx context.Context, list []*running) {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.linger)
	defer cancel()
	var working sync.WaitGroup
	for _, r := range list {
		working.Go(func() {
			r.device.Drain(ending)
			if r.tap != nil {
				_ = r.tap.pub.Shutdown(ending)
			}
		})
	}
	working.Wait()
}

// reload reads the file again. Devices that are as they were keep their connections and queues. Others are drained, then the new ones
// begin, because they may have the same addresses. A file with a mistake changes nothing.
func (s *site) reload(ctx context.Context) {
	c, err := read(s.o.File)
	if err != nil {
		s.o.Print("%v", err)
		s.o.Print("the file has mistakes: all devices stay as they were")
		return
	}
	s.linger = c.linger
	var kept, gone []*running
	for _, r := range s.devices {
		if slices.ContainsFunc(c.devices, r.same) {
			kept = append(kept, r)
		} else {
			gone = append(gone, r)
		}
	}
	s.end(ctx, gone)
	s.devices = kept
	began := 0
	for _, d := range c.devices {
		if slices.ContainsFunc(kept, func(r *running) bool { return r.same(d) }) {
			continue
		}
		began++
		if err := s.start(ctx, d); err != nil {
			s.o.Print("%s: %v; the device does not run, until the file is read again", d.name, err)
			s.restore(ctx, gone, d.name)
		}
	}
	s.o.Say("%s was read again: %d devices unchanged, %d ended, %d begun", c.name, len(kept), len(gone), began)
}

// restore begins the former device of a name again.
func (s *site) restore(ctx context.Context, gone []*running, name string) {
	at := slices.IndexFunc(gone, func(r *running) bool { return r.name == name })
	if at >= 0 && s.start(ctx, gone[at].deviceConfig) == nil {
		s.o.Print("%s: it is as it was before", name)
	}
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
