// SPDX-License-Identifier: MIT

import type { Address } from "./address.js"
import type { Link } from "./link.js"
import { type Body, bytesOf, Message } from "./message.js"
import type { Options } from "./options.js"
import { Receiving } from "./receiving.js"
import { Socket } from "./socket.js"

/** A Pub sends each message to all of its peers, which are Subs. */
export class Pub extends Socket {
  constructor(addresses?: Address | Address[], options: Options = {}) {
    super("sub", addresses, options)
  }

  /** Sends a message to every connection. One without room does not get it: it is dropped and counted as "overflow". */
  send(body: Body): void {
    this.giveAll(bytesOf(body))
  }

  /** @internal */
  protected received(): void {
    this.drop("unwanted")
  }
}

/** The options of a Sub. */
export interface SubOptions extends Options {
  /** The topics to begin with. A message is received if it begins with one of them; "" is for all. Defaults to none. */
  topics?: Body[]
}

/** A Sub receives those messages of its peers, which are Pubs, that begin with one of its topics. When its queue is full, it drops the oldest. */
export class Sub extends Receiving<Message> {
  private readonly topics = new Map<string, Uint8Array>()
  private all = false

  constructor(addresses?: Address | Address[], options: SubOptions = {}) {
    const topics = (options.topics ?? []).map(bytesOf) // before anything is dialed
    super("pub", addresses, options, "oldest")
    for (const topic of topics) this.subscribe(topic)
  }

  /** Adds a topic: the first bytes of messages. Messages that are queued already stay. */
  subscribe(topic: Body): void {
    const bytes = new Uint8Array(bytesOf(topic))
    this.topics.set(bytes.join(), bytes)
    this.all = this.topics.has("")
    this.topicsChanged()
  }

  /** Removes a topic, and reports whether it was there. */
  unsubscribe(topic: Body): boolean {
    const was = this.topics.delete(bytesOf(topic).join())
    this.all = this.topics.has("")
    this.topicsChanged()
    return was
  }

  /** @internal */
  protected received(link: Link, frame: Uint8Array): void {
    if (this.wants(frame)) {
      this.enqueue(new Message(frame), link)
    } else {
      this.stat.filtered++
    }
  }

  /** @internal */
  protected override topicsWanted(): Uint8Array[] {
    return this.all ? [] : [...this.topics.values()]
  }

  private wants(frame: Uint8Array): boolean {
    if (this.all) return true
    for (const topic of this.topics.values()) if (startsWith(frame, topic)) return true
    return false
  }
}

function startsWith(frame: Uint8Array, topic: Uint8Array): boolean {
  if (frame.length < topic.length) return false
  for (let i = 0; i < topic.length; i++) if (frame[i] !== topic[i]) return false
  return true
}
