// SPDX-License-Identifier: MIT

import { Lines } from "./lines.js"

/** A ServerEvent is one of the server-sent events of a stream, or an id that came without one. */
export interface ServerEvent {
  type: string
  /** undefined if there is only an id. */
  data: string | undefined
  /** The latest id. */
  id: string
}

/** An EventParser parses a stream of server-sent events as the HTML standard says. */
export class EventParser {
  /** The latest id, with that of the event that has not ended. */
  id = ""
  /** How long to wait before a stream is asked for again, in milliseconds, as the server says. */
  retry = 0
  /** Whether an event had more data than the limit, in UTF-16 units. It is cut. */
  overflow = false

  private readonly lines: Lines
  private known = "" // the id that was returned last
  private type = ""
  private data: string[] = []
  private size = 0

  constructor(private readonly limit: number) {
    this.lines = new Lines(limit + 8)
  }

  /** The events that end in a chunk; after an overflow, those before it. */
  push(chunk: Uint8Array): ServerEvent[] {
    const events: ServerEvent[] = []
    for (const line of this.lines.push(chunk)) {
      if (this.overflow) break
      if (line === "") {
        this.end(events)
      } else {
        this.field(line)
      }
    }
    this.overflow ||= this.lines.overflow
    return events
  }

  private end(events: ServerEvent[]): void {
    const { type, data, id } = this
    if (data.length > 0 || id !== this.known)
      events.push({ type: type || "message", data: data.length > 0 ? data.join("\n") : undefined, id })
    this.known = id
    this.type = ""
    this.data = []
    this.size = 0
  }

  private field(line: string): void {
    const colon = line.indexOf(":")
    const name = colon < 0 ? line : line.slice(0, colon) // of a comment, ""
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1)
    if (name === "data") {
      this.size += value.length + (this.data.length > 0 ? 1 : 0) // an end of line between two
      this.data.push(value)
      this.overflow = this.size > this.limit
    } else if (name === "event") {
      this.type = value
    } else if (name === "id" && !value.includes("\0")) {
      this.id = value
    } else if (name === "retry" && /^[0-9]+$/.test(value)) {
      this.retry = Number(value)
    }
  }
}
