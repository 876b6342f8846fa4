// SPDX-License-Identifier: MIT

import type { Address } from "./address.js"
import type { Endpoint } from "./endpoint.js"
import { GapEvent } from "./events.js"
import { closed, Inbox, messagesOf, type Receiver } from "./inbox.js"
import { type Link, Status } from "./link.js"
import type { Message } from "./message.js"
import type { Options } from "./options.js"
import { Socket } from "./socket.js"

/**
 * What happens when the receive queue is full. A page cannot stop reading a WebSocket. So "oldest" drops the oldest messages, and "hold" ends the
 * connection, so that the peer keeps what it has not sent, and dials again when half of the queue has been read. Messages on the way are lost.
 * @internal
 */
export type Overflow = "oldest" | "hold"

/** A Receiving socket queues the messages that it receives. */
export abstract class Receiving<T extends Message> extends Socket implements Receiver<T> {
  private readonly inbox: Inbox<T>
  private readonly endpointOf = new Map<Link, Endpoint>()
  private readonly before = new WeakSet<Endpoint>() // those that have been connected
  private readonly held = new Set<Endpoint>()
  private missed = 0 // since the last event

  /** @internal */
  protected constructor(
    peer: string,
    addresses: Address | Address[] | undefined,
    options: Options,
    private readonly overflow: Overflow,
  ) {
    super(peer, addresses, options)
    this.inbox = new Inbox(this.settings.recvQueueBytes)
  }

  async recv(options: { signal?: AbortSignal } = {}): Promise<T> {
    const item = await this.take(options.signal)
    if (item === undefined) throw closed()
    return item
  }

  messages(options: { signal?: AbortSignal } = {}): AsyncIterableIterator<T> {
    return messagesOf(() => this.take(options.signal))
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.messages()
  }

  /** The number of messages that were received and wait for the program. */
  get queued(): number {
    return this.inbox.length
  }

  /** @internal */
  protected enqueue(item: T, link: Link): void {
    if (this.isClosed) {
      this.drop("closed")
      return
    }
    this.inbox.put(item)
    if (!this.inbox.isFull) return
    if (this.overflow === "hold") {
      this.holdBack(link)
    } else {
      this.dropOldest(link)
    }
  }

  /** @internal */
  protected override linkUp(link: Link, endpoint: Endpoint): void {
    this.endpointOf.set(link, endpoint)
    if (this.before.has(endpoint) && !link.resumed) this.dispatchEvent(new GapEvent(endpoint.url, "reconnected", 0))
    this.before.add(endpoint)
  }

  /** @internal */
  protected override linkDown(link: Link): void {
    this.endpointOf.delete(link)
  }

  /** @internal */
  protected override closing(): void {
    this.drop("closed", this.inbox.end())
  }

  private take(signal?: AbortSignal): Promise<T | undefined> {
    const item = this.inbox.take(signal)
    if (this.held.size > 0 && this.inbox.isLow) {
      for (const endpoint of this.held) endpoint.release()
      this.held.clear()
    }
    return item
  }

  private holdBack(link: Link): void {
    const endpoint = this.endpointOf.get(link)
    if (!endpoint) return
    this.held.add(endpoint)
    endpoint.hold()
    link.fail(Status.full, "the receive queue is full")
  }

  private dropOldest(link: Link): void {
    const first = this.missed === 0
    while (this.inbox.isFull && this.inbox.length > 1 && this.inbox.shift()) {
      this.drop("overflow")
      this.missed++
    }
    if (!first || this.missed === 0) return
    setTimeout(() => {
      this.dispatchEvent(new GapEvent(link.url, "overflow", this.missed)) // one for all that came together
      this.missed = 0
    }, 0)
  }
}
