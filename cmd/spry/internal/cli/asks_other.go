// SPDX-License-Identifier: MIT

//go:build !unix

package cli

import "os"

// asks receives a value when the user asks for counters, which is never: there is no signal for it.
func asks() (_ <-chan os.Signal, stop func()) { return nil, func() {} }

// reloads returns nil: these systems have no SIGHUP.
func reloads() (_ <-chan os.Signal, stop func()) { return nil, func() {} }
