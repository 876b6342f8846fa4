// SPDX-License-Identifier: MIT

//go:build !js

package ws

import "github.com/sprymq/spry/transport"

// browserDialer returns the dialer of a program that runs in a browser.
func (Transport) browserDialer(*address) (transport.Dialer, error) { return nil, nil }
