// SPDX-License-Identifier: MIT

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What can be sent. A string is sent as UTF-8. The bytes may change again as soon as the call has returned, even before its promise is settled. */
export type Body = string | ArrayBuffer | ArrayBufferView

/** A Message is what a socket received. */
export class Message {
  /** The body. It belongs to the receiver. */
  readonly bytes: Uint8Array

  /** @internal */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** The body as UTF-8 text. Bytes that are not become the replacement character. */
  text(): string {
    return decoder.decode(this.bytes)
  }

  /** The body, parsed as JSON. Throws a SyntaxError if it is not. */
  json<T = unknown>(): T {
    return JSON.parse(this.text()) as T
  }
}

/** cost is what a message counts in a limit of queued bytes: its own, and what it takes beside them. */
export function cost(bytes: Uint8Array): number {
  return bytes.length + 64
}

/** bytesOf returns the bytes of a body, without a copy where that is possible. */
export function bytesOf(body: Body): Uint8Array {
  if (typeof body === "string") return encoder.encode(body)
  if (body instanceof Uint8Array) return body
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  if (body instanceof ArrayBuffer) return new Uint8Array(body)
  throw new TypeError("a body is a string, an ArrayBuffer or a view of one; use JSON.stringify for objects")
}
