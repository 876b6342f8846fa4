// SPDX-License-Identifier: MIT

package reasons

import "slices"

// ofTransports are the reasons for which a transport ends a link.
var ofTransports = []Reason{
	BadHeader, Version, Reserved, UnknownProtocol, RoleMismatch, Oversize, FrameType, Timeout, EarlyEOF, Refused, Security, Mechanism, PeerError, NotText,
}

// OfTransport returns the reason that a transport gives by its name. One that is none of them is IO.
func OfTransport(name string) Reason {
	if r := Reason(name); slices.Contains(ofTransports, r) {
		return r
	}
	return IO
}
