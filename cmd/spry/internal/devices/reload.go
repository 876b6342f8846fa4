// SPDX-License-Identifier: MIT

package devices

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sprymq/spry/internal/errno"
)

// reload reads the file again. Devices that are as they were keep their connections and queues. New ones begin before those that they
// replace are drained, except where a former one has an address of theirs. A file with a mistake, or a device that cannot begin, changes
// nothing. It fails if what there was before cannot be restored.
func (s *site) reload(ctx context.Context) error {
	c, err := read(s.o.File)
	if err != nil {
		s.o.Print("%v", err)
		s.o.Print("the file has mistakes: all devices stay as they were")
		return nil
	}
	before := s.linger
	s.linger = c.linger
	refused, err := s.become(ctx, c)
	if refused != nil {
		s.linger = before
		s.o.Print("%v", refused)
		if err == nil {
			s.o.Print("a device cannot begin: all devices stay as they were")
		}
	}
	return err
}

// become makes the devices those of c, or says why they stay as they were. It fails if they cannot.
func (s *site) become(ctx context.Context, c *config) (refused, err error) {
	var kept, gone, begun []*running
	for _, r := range s.devices {
		if slices.ContainsFunc(c.devices, r.same) {
			kept = append(kept, r)
		} else {
			gone = append(gone, r)
		}
	}
	var later []*deviceConfig // where others are still
	inTheWay := make(map[*running]bool)
	for _, d := range c.devices {
		if slices.ContainsFunc(kept, func(r *running) bool { return r.same(d) }) {
			continue
		}
		if others := sharing(gone, d); len(others) > 0 {
			later = append(later, d)
			for _, r := range others {
				inTheWay[r] = true
			}
			continue
		}
		r, err := s.start(ctx, d)
		switch {
		case err == nil:
			begun = append(begun, r)
		case len(gone) > 0 && errors.Is(err, errno.AddrInUse): // perhaps by a former one, which writes it in another way
			later = append(later, d)
			for _, r := range gone {
				inTheWay[r] = true
			}
		default:
			s.end(ctx, begun)
			return fmt.Errorf("%s: %w", d.name, err), nil
		}
	}
	var first, last []*running
	for _, r := range gone {
		if inTheWay[r] {
			first = append(first, r)
		} else {
			last = append(last, r)
		}
	}
	s.end(ctx, first) // peers find no listener for the moment, and dial again
	for _, d := range later {
		r, err := s.start(ctx, d)
		if err != nil {
			s.end(ctx, begun)
			return fmt.Errorf("%s: %w", d.name, err), s.restore(ctx, first)
		}
		begun = append(begun, r)
	}
	s.end(ctx, last)
	s.devices = append(kept, begun...)
	s.o.Say("%s was read again: %d devices unchanged, %d ended, %d begun", c.name, len(kept), len(gone), len(begun))
	return nil, nil
}

// sharing returns those of list that listen at an address of d.
func sharing(list []*running, d *deviceConfig) (others []*running) {
	for _, r := range list {
		if slices.ContainsFunc(r.listens(), func(address string) bool { return slices.Contains(d.listens(), address) }) {
			others = append(others, r)
		}
	}
	return others
}

// listens are the addresses where the device listens, but for those whose port the system chooses.
func (d *deviceConfig) listens() []string {
	return slices.DeleteFunc(slices.Concat(d.front, d.back, d.tap), func(a string) bool { return strings.HasSuffix(a, ":0") })
}

// restore begins devices again that were ended. If one cannot, it removes them from the site, and fails.
func (s *site) restore(ctx context.Context, ended []*running) error {
	var errs []error
	for _, former := range ended {
		at := slices.Index(s.devices, former)
		r, err := s.start(ctx, former.deviceConfig)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s does not begin again, which ends all devices: %w", former.name, err))
			s.devices = slices.Delete(s.devices, at, at+1)
			continue
		}
		s.devices[at] = r
	}
	return errors.Join(errs...)
}
