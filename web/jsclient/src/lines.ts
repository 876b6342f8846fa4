// SPDX-License-Identifier: MIT

/** Lines splits a stream of UTF-8 into lines, which end with CR, LF, or both. A byte order mark at the beginning is left out. */
export class Lines {
  /** Whether a line was longer than the limit, in UTF-16 units, and is cut. */
  overflow = false

  private readonly decoder = new TextDecoder()
  private parts: string[] = [] // of the line that has not ended
  private size = 0 // of these
  private afterCR = false

  constructor(private readonly limit: number) {}

  /** The lines that end in a chunk: after an overflow, those before it. */
  push(chunk: Uint8Array): string[] {
    let text = this.decoder.decode(chunk, { stream: true })
    if (text === "") return []
    if (this.afterCR && text[0] === "\n") text = text.slice(1)
    this.afterCR = text.endsWith("\r")
    const lines: string[] = []
    let at = 0
    for (const end of text.matchAll(/\r\n?|\n/g)) {
      this.add(text.slice(at, end.index))
      if (this.overflow) return lines
      lines.push(this.parts.join(""))
      this.parts = []
      this.size = 0
      at = end.index + end[0].length
    }
    this.add(text.slice(at))
    return lines
  }

  private add(part: string): void {
    this.size += part.length
    if (this.size > this.limit) {
      this.overflow = true
    } else if (part !== "") {
      this.parts.push(part)
    }
  }
}
