// SPDX-License-Identifier: MIT

/** A Backoff says how long to wait between attempts to connect, in milliseconds. */
export class Backoff {
  private attempts = 0

  constructor(
    private readonly min: number,
    private readonly max: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** The delay before the next attempt: it doubles, and half of it is random, so that clients of a server that restarted do not come at once. */
  next(): number {
    const most = Math.min(this.max, this.min * 2 ** this.attempts)
    if (most < this.max) this.attempts++
    return most / 2 + (most / 2) * this.random()
  }

  /** Begin again with the shortest delay. */
  reset(): void {
    this.attempts = 0
  }
}
