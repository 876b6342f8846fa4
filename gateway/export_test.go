// SPDX-License-Identifier: MIT

package gateway

// Bodies is how many bytes are counted of bodies.
func (h *Handler) Bodies() int64 { return h.bodies.Load() }
