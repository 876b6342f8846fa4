// SPDX-License-Identifier: MIT

// Package simnet is an in-memory network for tests whose links fail on command.
//
// A [Net] is a transport with two schemes: sim://name gives streams, simmsg://name gives message links. Both can have the
// same [Faults]: latency, rate, reads of one byte, cuts, partitions, orderly ends at a chosen byte. Dials can be refused, or
// accepted and closed at once.
//
// # Virtual time
//
// Every wait is on channels and timers that the waiting goroutine itself made, no lock is held while waiting, and nothing
// runs in the background. A Net therefore works in a testing/synctest bubble, where an hour of latency passes at once, and
// outside of one. Latency is a time of arrival stored with the bytes; the reader waits for it.
//
// # Determinism
//
// Every random decision is drawn from the seed, the name of the link, its direction, and the number of the event in it:
// never from the order in which goroutines happen to run. A link's name has three parts: the listener, the number of the
// dialer among those of the address (in order of calls to [Net.Dialer]), and the number of the dialer's attempt:
// "sim://server#2.1".
//
// # How it differs from TCP
//
// It is harsher. A cut, or closing an end that has unread input, destroys everything not yet read at the other end, where
// some systems would still deliver received bytes. A partition delays bytes instead of losing them, since TCP would send
// them again: cut the link to lose them.
package simnet
