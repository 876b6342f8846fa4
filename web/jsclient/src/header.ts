// SPDX-License-Identifier: MIT

// Routing headers of the Scalability Protocols are words of four bytes, big-endian. The top bit is set in the last word of a backtrace,
// which is the id of a request or a survey; the words before it are the pipes of the sockets between.

const last = 0x80

/** randomId returns the id of the first request of a socket: with the top bit, and not the same as before a reload. */
export function randomId(): number {
  return (Math.floor(Math.random() * 0x80000000) | 0x80000000) >>> 0
}

/** nextId returns the id after id. */
export function nextId(id: number): number {
  return ((id + 1) | 0x80000000) >>> 0
}

/** withWord returns a frame: a word, then the body. */
export function withWord(word: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + body.length)
  frame[0] = word >>> 24
  frame[1] = word >>> 16
  frame[2] = word >>> 8
  frame[3] = word
  frame.set(body, 4)
  return frame
}

/** withHeader returns a frame: a header, then the body. */
export function withHeader(header: Uint8Array, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(header.length + body.length)
  frame.set(header)
  frame.set(body, header.length)
  return frame
}

/** wordOf returns the first word of a frame, or undefined if it is too short. */
export function wordOf(frame: Uint8Array): number | undefined {
  if (frame.length < 4) return undefined
  return ((frame[0]! << 24) | (frame[1]! << 16) | (frame[2]! << 8) | frame[3]!) >>> 0
}

/**
 * backtraceLength returns the length in bytes of the backtrace at the beginning of a frame. The result is "envelope" if it does not end, and "ttl" if it
 * has more words than a message may have hops.
 */
export function backtraceLength(frame: Uint8Array, ttl: number): number | "envelope" | "ttl" {
  for (let at = 0, hops = 1; at + 4 <= frame.length; at += 4, hops++) {
    if (hops > ttl) return "ttl"
    if (frame[at]! & last) return at + 4
  }
  return "envelope"
}
