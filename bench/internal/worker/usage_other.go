// SPDX-License-Identifier: MIT

//go:build !unix

package worker

// readSystem does nothing: other systems do not count switches.
func (u *usage) readSystem() {}
