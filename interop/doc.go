// SPDX-License-Identifier: MIT

// Package interop tests Spry against the other implementations of the Scalability Protocols and of ZeroMQ: the tools
// nngcat and nanocat, C programs linked with libnng, libnanomsg and libzmq, which the folder c has, and programs in Python
// and for Node.js that do with libzmq what a test tells them, which the folders python and node have. Jupyter and Mongrel2
// are programs that others use ZeroMQ in.
//
// What is not installed is skipped, and says so; with SPRY_INTEROP=require in the environment it fails the tests:
//
//	SPRY_INTEROP=require go test -race -v ./... -matrix=/tmp
//
// With SPRY_LONG=1 tests that are cut short otherwise do all that they can.
//
// Each package makes a table of what worked: peer, pattern, transport and direction, for Spry's library and command. It
// is printed with -v, and written as Markdown to the folder named by -matrix or SPRY_INTEROP_TABLE.
package interop
