// SPDX-License-Identifier: MIT

// Package sprytest tests programs that use Spry in a simulated network that fails, in virtual time, without sockets of the operating
// system.
//
// [Run] runs a test with many seeds. Each run has a [World] of its own: a network of named hosts, whose connections are slow, break,
// fall silent and come back as the test says, or at random as the seed says. The programs need no change: they use their own URLs,
// and get the network by their options.
//
//	func TestOrders(t *testing.T) {
//		sprytest.Run(t, 100, func(w *sprytest.World) {
//			server := orders.NewServer(w.Host("server").Options(), "tcp://*:5555")
//			defer server.Close()
//			client := orders.NewClient(w.Host("client").Options(), "tcp://server:5555")
//			defer client.Close()
//			...
//			w.Chaos(sprytest.Chaos{For: time.Minute})
//			...
//		})
//	}
//
// A failed run prints its seed, what the network did and how to repeat the run:
//
//	go test -run '^TestOrders$' -sprytest.seed=17
//
// # What is checked
//
// When a run ends, sockets that are still open are failures, and so are goroutines that wait for ever. So are figures of sockets
// that do not add up, messages that were dropped against a promise, and locks that are held: these are faults of Spry. What a
// program promises is checked by a [Journal]: that messages arrive in order, once, or all.
//
// # Virtual time
//
// A run is a bubble of package testing/synctest: time stands still while a goroutine works, and jumps when all of them wait.
// An hour of a broken network takes milliseconds. Everything that the programs use must be made in the run: a goroutine that waits
// for a channel of elsewhere, a mutex, or real input and output, keeps time from passing.
//
// # What a seed repeats
//
// Latencies, cuts, refusals, and the waits of dialers between their attempts depend on the seed and on names and numbers of
// connections, not on the order in which goroutines run. [Chaos] and [Net.Rand] depend on the seed alone. Virtual time removes
// the speed of the machine. What remains is the order in which goroutines work that are awake at the same moment, and what the
// program draws at random itself. The flag -cpu=1 of the go command removes most of the former. So a seed repeats a failure nearly
// always where the network is its cause, and not always where a race is: the race detector is for those, and runs in a World as
// elsewhere.
package sprytest
