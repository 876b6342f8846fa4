// SPDX-License-Identifier: MIT

/** A Ring keeps the latest numbers, the oldest first. NaN is a gap. */
export class Ring {
  private readonly kept: Float32Array
  private next = 0
  private filled = 0

  constructor(size: number) {
    this.kept = new Float32Array(size)
  }

  get length(): number {
    return this.filled
  }

  push(value: number): void {
    this.kept[this.next] = value
    this.next = (this.next + 1) % this.kept.length
    this.filled = Math.min(this.filled + 1, this.kept.length)
  }

  /** The numbers, the latest last. */
  values(): number[] {
    const first = this.next - this.filled + this.kept.length
    return Array.from({ length: this.filled }, (_, i) => this.kept[(first + i) % this.kept.length]!)
  }

  max(): number {
    let most = 0
    for (let i = 0; i < this.filled; i++) if (this.kept[i]! > most) most = this.kept[i]!
    return most
  }
}
