// SPDX-License-Identifier: MIT

// Package simnet is an in-memory network for tests whose links fail on command.
//
// A [Net] is a transport with two schemes: sim://name gives streams, simmsg://name gives message links.
// Both suffer the same [Faults]: latency, rate, reads of one byte, cuts, partitions, orderly ends at a chosen
// byte. Dials can be refused, or accepted and closed at once.
//
// # Virtual time
//
// Everything waits on channels and timers that the waiting goroutine itself made, no lock is held while
// waiting, and nothing runs in the background. A Net therefore works in a testing/synctest bubble, where an
// hour of latency passes at once, and outside of one. Latency is a time of arrival noted beside the bytes,
// for which the reader waits.
//
// # Determinism
//
// Every random decision is drawn from the seed, the name of the link, its direction, and the number of the
// event in it: never from the order in which goroutines happen to run. A link is named after the listener,
// the number of the dialer among the dialers of that address (in order of calls to [Net.Dialer]), and the
// number of that dialer's attempt: "sim://server#2.1".
//
// # How it differs from TCP
//
// It is harsher. A cut, or closing an end that has unread input, destroys everything not yet read at the
// other end, where some systems would still hand out what had arrived. A partition holds bytes instead of
// losing them, since TCP would send them again: cut the link to lose them.
package simnet
