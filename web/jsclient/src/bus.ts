// SPDX-License-Identifier: MIT

import type { Address } from "./address.js"
import type { Link } from "./link.js"
import { type Body, bytesOf, Message } from "./message.js"
import type { Options } from "./options.js"
import { Receiving } from "./receiving.js"

/** A Bus sends each message to all of its peers, which are Buses, and receives theirs. When its queue is full, it drops the oldest. */
export class Bus extends Receiving<Message> {
  constructor(addresses?: Address | Address[], options: Options = {}) {
    super("bus", addresses, options, "oldest")
  }

  /** Sends a message to every connection. One without room does not get it: it is dropped and counted as "overflow". */
  send(body: Body): void {
    this.giveAll(bytesOf(body))
  }

  /** @internal */
  protected received(link: Link, frame: Uint8Array): void {
    this.enqueue(new Message(frame), link)
  }
}
