// SPDX-License-Identifier: MIT

// Package prometheus collects the figures of a process's sockets for Prometheus' client library.
package prometheus
