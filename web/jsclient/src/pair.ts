// SPDX-License-Identifier: MIT

import type { Address } from "./address.js"
import { withWord, wordOf } from "./header.js"
import { type Link, Status } from "./link.js"
import { type Body, bytesOf, Message } from "./message.js"
import type { Options } from "./options.js"
import { Receiving } from "./receiving.js"

/** The options of a Pair. */
export interface PairOptions extends Options {
  /** The version of the protocol, 0 or 1, which must be one of the peer's: a Pair of Spry has both. Defaults to 1. */
  version?: 0 | 1
}

/** A Pair talks with one peer, a Pair, in both directions. When its queue is full, it ends the connection, and dials again when there is room. */
export class Pair extends Receiving<Message> {
  private readonly version: 0 | 1

  constructor(address?: Address, options: PairOptions = {}) {
    super(options.version === 0 ? "pair" : "pair1", address, options, "hold")
    this.version = options.version ?? 1
  }

  /** Sends a message. The promise resolves when the WebSocket has taken it; a call waits while there is no connection with room. */
  send(body: Body, options: { signal?: AbortSignal } = {}): Promise<void> {
    const bytes = bytesOf(body)
    return this.deliver(this.version === 1 ? withWord(1, bytes) : bytes, options.signal) // one hop
  }

  /** @internal */
  protected override pick(): Link | undefined {
    return this.links[0]?.hasRoom() ? this.links[0] : undefined
  }

  /** @internal */
  protected received(link: Link, frame: Uint8Array): void {
    if (this.version === 0) {
      this.enqueue(new Message(frame), link)
      return
    }
    const hops = wordOf(frame)
    if (hops === undefined || hops > 0xff) {
      this.drop("envelope")
      link.fail(Status.malformed, "a message without the number of its hops")
    } else if (hops > this.settings.ttl) {
      this.drop("ttl")
    } else {
      this.enqueue(new Message(frame.subarray(4)), link)
    }
  }
}
