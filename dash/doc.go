// SPDX-License-Identifier: MIT

// Package dash serves a page that shows the sockets of many processes while they run: who is connected to whom, how fast, how full, and
// what was dropped and why.
package dash
