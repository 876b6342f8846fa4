// SPDX-License-Identifier: MIT

import type { Address } from "./address.js"
import type { Link } from "./link.js"
import { type Body, bytesOf, Message } from "./message.js"
import type { Options } from "./options.js"
import { Receiving } from "./receiving.js"
import { Socket } from "./socket.js"
import { Turns } from "./turns.js"

/** A Push sends each message to one of its peers, which are Pulls: in turn, to those that have room. */
export class Push extends Socket {
  private readonly turns = new Turns(this.links)

  constructor(addresses?: Address | Address[], options: Options = {}) {
    super("pull", addresses, options)
  }

  /** Sends a message. The promise resolves when a connection has taken it; a call waits while there is no connection with room. */
  send(body: Body, options: { signal?: AbortSignal } = {}): Promise<void> {
    return this.deliver(bytesOf(body), options.signal)
  }

  /** @internal */
  protected override pick(): Link | undefined {
    return this.turns.next()
  }

  /** @internal */
  protected received(): void {
    this.drop("unwanted")
  }
}

/** A Pull receives messages from its peers, which are Pushes. When its queue is full, it ends the connection, and dials again when there is room. */
export class Pull extends Receiving<Message> {
  constructor(addresses?: Address | Address[], options: Options = {}) {
    super("push", addresses, options, "hold")
  }

  /** @internal */
  protected received(link: Link, frame: Uint8Array): void {
    this.enqueue(new Message(frame), link)
  }
}
