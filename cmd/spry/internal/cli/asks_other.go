// SPDX-License-Identifier: MIT

//go:build !unix

package cli

import "os"

// asks tells when the user asks for figures, which is never: there is no signal for it.
func asks() (_ <-chan os.Signal, stop func()) { return nil, func() {} }
