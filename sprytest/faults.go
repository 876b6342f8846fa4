// SPDX-License-Identifier: MIT

package sprytest

import (
	"time"

	"github.com/sprymq/spry/internal/simnet"
)

// Faults are the faults of one direction: of a [Route], of all routes by [Net.SetFaults], or of a [Link]. The zero value is perfect:
// bytes arrive at once, in one piece, for ever.
type Faults struct {
	// Latency is how long bytes travel. A dial takes the latency of both directions.
	Latency time.Duration

	// Jitter is the most that is added to Latency, at random. Bytes keep their order.
	Jitter time.Duration

	// Rate is how many bytes pass in a second; 0 means any number.
	Rate int64

	// ReadChunk, if positive, ends reads at random places, at most that many bytes apart. With 1 every byte comes alone.
	ReadChunk int

	// CutAfter, if positive, cuts each connection when that many bytes of its beginning were read: see [Link.Cut].
	CutAfter int64

	// MeanCut, if positive, cuts each connection after a random number of bytes with this mean, unless CutAfter is set.
	MeanCut int64

	// FINAfter, if positive, ends the direction of each connection in an orderly way when that many bytes of its beginning were
	// read, perhaps within a message. Other bytes are lost.
	FINAfter int64

	// Refusal is the probability, 0 to 1, that a dial is refused. It counts on the way from the dialing host.
	Refusal float64

	// AcceptJitter is the most that a new connection waits, at random, before the listening program gets it, while the dialing
	// one has it already. So connections are accepted in another order than they were made. It counts on the way from the
	// dialing host.
	AcceptJitter time.Duration
}

func (f Faults) sim() simnet.Faults {
	return simnet.Faults{
		Latency: f.Latency, Jitter: f.Jitter, Rate: f.Rate, ReadChunk: f.ReadChunk, CutAfter: f.CutAfter, MeanCut: f.MeanCut,
		FINAfter: f.FINAfter, Refusal: f.Refusal, AcceptJitter: f.AcceptJitter,
	}
}

func faultsOf(f simnet.Faults) Faults {
	return Faults{
		Latency: f.Latency, Jitter: f.Jitter, Rate: f.Rate, ReadChunk: f.ReadChunk, CutAfter: f.CutAfter, MeanCut: f.MeanCut,
		FINAfter: f.FINAfter, Refusal: f.Refusal, AcceptJitter: f.AcceptJitter,
	}
}

// A Direction is one of a link's two directions, or both.
type Direction uint8

// The directions of a link.
const (
	ToListener Direction = Direction(simnet.ToListener) // from the end that dialed
	ToDialer   Direction = Direction(simnet.ToDialer)   // from the end that accepted
	Both       Direction = ToListener | ToDialer
)
