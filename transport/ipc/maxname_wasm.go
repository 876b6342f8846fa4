// SPDX-License-Identifier: MIT

//go:build js || wasip1

package ipc

// maxName is that of Linux. There are no Unix sockets here but those within a process, which package net has.
const maxName = 107
