// SPDX-License-Identifier: MIT

// Package interop tests Spry against the other implementations of the Scalability Protocols and of ZeroMQ. The peers are the
// tools nngcat and nanocat, and C programs linked with libnng, libnanomsg and libzmq, in the folder c. Programs in Python
// and for Node.js, in the folders python and node, use libzmq as a test directs them, or a library of WebSocket. Jupyter and Mongrel2
// are independent programs that use ZeroMQ.
//
// Tests of missing peers are skipped with a message; with SPRY_INTEROP=require in the environment they fail:
//
//	SPRY_INTEROP=require go test -race -v ./... -matrix=/tmp
//
// With SPRY_LONG=1, tests that do less by default run in full.
//
// Each package makes a table of the results: peer, pattern, transport and direction, for Spry's library and command. It is
// printed with -v, and written as Markdown to the folder named by -matrix or SPRY_INTEROP_TABLE.
package interop
