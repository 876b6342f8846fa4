// SPDX-License-Identifier: MIT

// Package interop tests Spry against the other implementations of the Scalability Protocols: the tools nngcat
// and nanocat, and C programs linked with libnng and libnanomsg. The folder c has these programs.
//
// What is not installed is skipped, loudly; with SPRY_INTEROP=require in the environment it fails the tests:
//
//	SPRY_INTEROP=require go test -race -v . -matrix=matrix.md
//
// The run makes a table of what worked: peer, pattern, transport and direction, for Spry's library and command. It
// is printed with -v, and written as Markdown to the file named by -matrix or SPRY_INTEROP_TABLE.
package interop
