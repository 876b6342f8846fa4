// SPDX-License-Identifier: MIT

// Package device runs a proxy: two raw sockets that hand each other's messages on.
package device

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// kinds are the patterns that can be proxied, with the protocols of front and back. Front is the side that the
// pattern's clients dial: requesters, publishers' subscribers aside, whoever begins.
var kinds = map[string][2]spry.Protocol{
	"reqrep":   {spry.ProtocolRep, spry.ProtocolReq},
	"pubsub":   {spry.ProtocolSub, spry.ProtocolPub},
	"pipeline": {spry.ProtocolPull, spry.ProtocolPush},
	"survey":   {spry.ProtocolRespondent, spry.ProtocolSurveyor},
	"pair":     {spry.ProtocolPair1, spry.ProtocolPair1},
	"bus":      {spry.ProtocolBus, spry.ProtocolBus},
}

// Kinds lists what [Run] can proxy.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// Options of [Run].
type Options struct {
	Kind        string
	Front, Back endpoint.Set
	TTL         int
	Say         func(form string, args ...any)
}

// Run proxies until ctx ends, which is no error.
func Run(ctx context.Context, o Options) error {
	protocols, known := kinds[o.Kind]
	if !known {
		return exit.Errorf(exit.Usage, "--kind %q is not one of %s", o.Kind, strings.Join(Kinds(), ", "))
	}
	front, err := open(ctx, protocols[0], &o.Front, o)
	if err != nil {
		return fmt.Errorf("front: %w", err)
	}
	defer front.Close()
	back, err := open(ctx, protocols[1], &o.Back, o)
	if err != nil {
		return fmt.Errorf("back: %w", err)
	}
	defer back.Close()
	err = spry.Proxy(ctx, front, back, nil)
	for name, socket := range map[string]*spry.Raw{"front": front, "back": back} {
		stats := socket.Stats()
		o.Say("%s: %d in, %d out", name, stats.Recv.Arrived, stats.Send.Sent)
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

func open(ctx context.Context, p spry.Protocol, set *endpoint.Set, o Options) (*spry.Raw, error) {
	socket, err := spry.NewRaw(p, &spry.Options{TTL: o.TTL})
	if err != nil {
		return nil, err
	}
	if err := set.Open(ctx, socket, o.Say); err != nil {
		socket.Close()
		return nil, err
	}
	return socket, nil
}
