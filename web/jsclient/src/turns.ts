// SPDX-License-Identifier: MIT

import type { Link } from "./link.js"

/** Turns takes connections with room in turn. */
export class Turns {
  private at = 0

  constructor(private readonly links: readonly Link[]) {}

  /** The next connection that has room, or undefined. */
  next(): Link | undefined {
    const n = this.links.length
    for (let i = 0; i < n; i++) {
      const link = this.links[this.at++ % n]!
      if (link.hasRoom()) return link
    }
    return undefined
  }
}
