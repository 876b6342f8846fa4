// SPDX-License-Identifier: MIT

/**
 * What stands for each protocol, in a square from -5 to 5. Both sides of a pattern have shapes that belong together: what sends is filled, and what receives is
 * an outline.
 */
export interface Glyph {
  path: string
  filled: boolean
}

const triangle = "M-3.6 -4.2 L4.4 0 L-3.6 4.2 Z"
const square = "M-3.6 -3.6 H3.6 V3.6 H-3.6 Z"
const circle = "M0 -4 A4 4 0 1 1 0 4 A4 4 0 1 1 0 -4 Z"
const diamond = "M0 -4.7 L4.7 0 L0 4.7 L-4.7 0 Z"
const hexagon = "M-2.3 -4 H2.3 L4.6 0 L2.3 4 H-2.3 L-4.6 0 Z"
const cross = "M-1.3 -4 H1.3 V-1.3 H4 V1.3 H1.3 V4 H-1.3 V1.3 H-4 V-1.3 H-1.3 Z"
const twins = "M-4.4 -2.6 H-0.8 V2.6 H-4.4 Z M0.8 -2.6 H4.4 V2.6 H0.8 Z"

const glyphs: Record<string, Glyph> = {
  pub: { path: triangle, filled: true },
  sub: { path: triangle, filled: false },
  xpub: { path: triangle, filled: true },
  xsub: { path: triangle, filled: false },
  push: { path: square, filled: true },
  pull: { path: square, filled: false },
  req: { path: circle, filled: true },
  rep: { path: circle, filled: false },
  surveyor: { path: diamond, filled: true },
  respondent: { path: diamond, filled: false },
  dealer: { path: hexagon, filled: true },
  router: { path: hexagon, filled: false },
  bus: { path: cross, filled: true },
  pair: { path: twins, filled: true },
}

const other: Glyph = { path: circle, filled: true }

/** The glyph of a protocol, "pub" or "raw_pub" for example. */
export function glyphOf(protocol: string): Glyph {
  const name = protocol.toLowerCase().replace(/^(zmq|raw|x?sp)[ _.-]/, "")
  return glyphs[name] ?? glyphs[name.replace(/[0-9]+$/, "")] ?? other
}
