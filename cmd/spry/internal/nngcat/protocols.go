// SPDX-License-Identifier: MIT

package nngcat

import (
	"errors"
	"fmt"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// A protocol is one of nngcat's, with its sockets. The option that chooses it has its name.
type protocol struct {
	kind kind
	open func(c *config, o spry.Options) (socket, endpoint.Socket, error)
}

// protocols are all that nngcat has. Spry's own patterns are none of them.
var protocols = map[string]protocol{
	"push0": {sends, func(_ *config, o spry.Options) (socket, endpoint.Socket, error) {
		s := spry.NewPush(&spry.PushOptions{Options: o})
		return oneWay{sender: s}, s, nil
	}},
	"pull0": {receives, func(_ *config, o spry.Options) (socket, endpoint.Socket, error) {
		s := spry.NewPull(&spry.PullOptions{Options: o})
		return oneWay{receiver: s}, s, nil
	}},
	"pub0": {sends, func(_ *config, o spry.Options) (socket, endpoint.Socket, error) {
		s := spry.NewPub(&spry.PubOptions{Options: o})
		return oneWay{sender: lossy{s}}, s, nil
	}},
	"sub0": {receives, func(c *config, o spry.Options) (socket, endpoint.Socket, error) {
		s := spry.NewSub(&spry.SubOptions{Options: o})
		if len(c.topics) == 0 {
			c.topics = []string{""}
		}
		for _, topic := range c.topics {
			if err := s.Subscribe(topic); err != nil {
				return nil, nil, fmt.Errorf("Unable to subscribe to topic %s: %s", topic, errorText(err))
			}
		}
		return oneWay{receiver: s}, s, nil
	}},
	"req0": {asks, func(_ *config, o spry.Options) (socket, endpoint.Socket, error) {
		s := spry.NewReq(&spry.ReqOptions{Options: o})
		return &requester{req: s}, s, nil
	}},
	"rep0": {answers, func(_ *config, o spry.Options) (socket, endpoint.Socket, error) {
		s := spry.NewRep(&spry.RepOptions{Options: o})
		return &replier{from: s}, s, nil
	}},
	"surveyor0": {asks, func(_ *config, o spry.Options) (socket, endpoint.Socket, error) {
		s := spry.NewSurveyor(&spry.SurveyorOptions{Options: o})
		return &surveyor{surveyor: s}, s, nil
	}},
	"respondent0": {answers, func(_ *config, o spry.Options) (socket, endpoint.Socket, error) {
		s := spry.NewRespondent(&spry.RespondentOptions{Options: o})
		return &replier{from: s}, s, nil
	}},
	"pair0": {exchanges, openPair(true)},
	"pair1": {exchanges, openPair(false)},
	"bus0": {exchanges, func(_ *config, o spry.Options) (socket, endpoint.Socket, error) {
		s := spry.NewBus(&spry.BusOptions{Options: o})
		return oneWay{sender: lossy{s}, receiver: s}, s, nil
	}},
}

func openPair(v0 bool) func(*config, spry.Options) (socket, endpoint.Socket, error) {
	return func(_ *config, o spry.Options) (socket, endpoint.Socket, error) {
		s := spry.NewPair(&spry.PairOptions{Options: o, V0: v0})
		return oneWay{sender: s, receiver: s}, s, nil
	}
}

// A kind is what nngcat does with the sockets of a protocol, and which options it takes for them.
type kind int

const (
	sends kind = iota + 1
	receives
	asks
	answers
	exchanges
)

// check finds options that do not go with the protocol.
func (k kind) check(c *config) error {
	periodic := c.interval >= 0
	switch {
	case k == 0:
		return errors.New("No protocol specified.")
	case k == receives && c.hasData:
		return errors.New("Protocol does not support --file or --data.")
	case (k == receives || k == answers) && periodic:
		return errors.New("Protocol does not support --interval.")
	case k == sends && c.format != "":
		return errors.New("Protocol does not support --format options.")
	case (k == sends || k == asks) && !c.hasData:
		return errors.New("Protocol requires either --file or --data.")
	case k == exchanges && periodic && !c.hasData:
		return errors.New("Option --interval requires either --file or --data.")
	}
	return nil
}
