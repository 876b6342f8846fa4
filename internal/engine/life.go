// SPDX-License-Identifier: MIT

package engine

import "sync/atomic"

// A life is the stage of a pipe or a socket. It only goes forward, under a lock. It may be read without the lock.
type life struct{ stage atomic.Int32 }

// advance moves to a stage. It reports false if the life has already reached it.
func (l *life) advance(stage int32) bool {
	if l.reached(stage) {
		return false
	}
	l.stage.Store(stage)
	return true
}

// at reports whether the life has come to a stage, and no further.
func (l *life) at(stage int32) bool { return l.stage.Load() == stage }

// reached reports whether the life has come to a stage, or further.
func (l *life) reached(stage int32) bool { return l.stage.Load() >= stage }

// The life of a pipe, under outbox.mu. From each stage, end leads to over:
//
//	open ──endSending──> ending ──writer──> ended ──end──> over
//	 └────writeFailed──────┴──────────────> broken ──^
//
//	open    messages are accepted
//	ending  none are; the outgoing direction ends when the queue is written
//	ended   it has ended, before the peer's: the peer's end ends the pipe
//	broken  a write has failed: data that the peer has sent before is read, for a while
//	over    the link is closed; the last holder of the writer's role calls finish
//
// The end of the peer's direction is a separate flag (outbox.peerEnded), because it may come at any stage. The pipe is then
// over as soon as its own direction has ended.
const (
	pipeOpen int32 = iota
	pipeEnding
	pipeEnded
	pipeBroken
	pipeOver
)

// The pattern's knowledge of a pipe, under Socket.mu. It learns of the end after it has learned of the pipe, even if the
// pipe is over before it is attached.
//
//	new ──attach──> attached ──detach──> detached
//	 └───────────────detach─────────────────^
const (
	pipeNew int32 = iota
	pipeAttached
	pipeDetached
)

// The life of a socket, under Socket.mu:
//
//	open ──Drain──> draining ──Shutdown──> closing
//	 └──────────────Shutdown─────────────────^
//
//	draining  no new connections; messages that peers still send are delivered
//	closing   nothing more is accepted from the application or delivered to it; queued messages are sent
const (
	socketOpen int32 = iota
	socketDraining
	socketClosing
)
