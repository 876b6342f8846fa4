// SPDX-License-Identifier: MIT

import { type Address, resolve } from "./address.js"
import { Endpoint, type EndpointOwner } from "./endpoint.js"
import { SpryError } from "./errors.js"
import { GapEvent, type State, StateEvent } from "./events.js"
import { gatewayLinks } from "./http.js"
import { closed } from "./inbox.js"
import type { Carrier, Link } from "./link.js"
import { cost } from "./message.js"
import { type Options, type Settings, settingsOf } from "./options.js"
import { bounded, type Waiter, wait } from "./wait.js"

/** Why messages were dropped. The words are those of Spry's statistics. */
export type Reason = "overflow" | "closed" | "ttl" | "no_peer" | "stale" | "foreign" | "unwanted" | "envelope" | "multipart" | "too_large"

/** A snapshot of the counters of a socket. */
export interface Stats {
  /** Messages that were given to a connection; once for each, where a message goes to all peers. */
  sent: number
  /** Messages that arrived, with those that were dropped later. */
  received: number
  /** Messages that may be lost: a WebSocket had not sent them when its connection ended, or their POST got no answer. */
  unconfirmed: number
  /** Messages that a Sub had no topic for. */
  filtered: number
  /** Messages that were dropped, by reason. */
  dropped: Partial<Record<Reason, number>>
  /** Connections that were opened. */
  connections: number
  /** Connections that are open. */
  open: number
  /** Messages that wait in calls of send. */
  sending: number
}

// A Send is a call that waits for room.
interface Send extends Waiter<void> {
  frame: Uint8Array
}

const done = Promise.resolve()
const shortestPoll = 4 // ms; a WebSocket does not say when it has room
const longestPoll = 32

/** The events of a socket, by their types. */
export interface SocketEvents {
  state: StateEvent
  gap: GapEvent
}

/**
 * A Socket is what all sockets have in common. It dials any number of addresses, and dials again when a connection has ended. What a message means, and to
 * which peers it goes, is its pattern's.
 */
export abstract class Socket extends EventTarget {
  /** @internal */
  protected readonly settings: Settings
  /**
   * The open connections, the oldest first.
   * @internal
   */
  protected readonly links: Link[] = []
  /** @internal */
  protected readonly stat: Stats = { sent: 0, received: 0, unconfirmed: 0, filtered: 0, dropped: {}, connections: 0, open: 0, sending: 0 }

  private readonly owner: EndpointOwner
  private readonly endpoints = new Set<Endpoint>()
  private readonly sends = new Set<Send>() // for any connection
  private readonly replies = new Map<Link, Set<Send>>() // for one
  private readonly readies = new Set<Waiter<void>>()
  private sendBytes = 0
  private poll: ReturnType<typeof setTimeout> | undefined
  private nextPoll = shortestPoll
  private ending: Promise<void> | undefined

  /** @internal */
  protected constructor(peer: string, addresses: Address | Address[] | undefined, options: Options) {
    super()
    this.settings = settingsOf(options)
    if (this.settings.fallback && !(peer in gatewayLinks)) {
      throw new SpryError("config", "this socket has no fallback: its messages come and go in both directions")
    }
    this.owner = {
      settings: this.settings,
      peer,
      linkOpened: (link, endpoint) => this.opened(link, endpoint),
      linkEnded: (link) => this.lost(link),
      linkReceived: (link, frame) => {
        this.stat.received++
        this.received(link, frame)
        if (this.isSending()) this.flush()
      },
      linkRetired: (link) => this.leave(link),
      linkHasRoom: () => this.flush(),
      linkMissed: (link, messages) => this.dispatchEvent(new GapEvent(link.url, "missed", messages)),
      linkDropped: (_, reason) => this.drop(reason),
      linkRefused: (link, id, reason) => this.refused(link, id, reason),
      topics: () => this.topicsWanted(),
      endpointChanged: (...change) => this.changed(...change),
      endpointClosed: (endpoint, unsent) => {
        this.drop("closed", unsent)
        this.endpoints.delete(endpoint)
      },
    }
    const list = addresses === undefined ? [] : Array.isArray(addresses) ? addresses : [addresses]
    for (const address of list) if (typeof address !== "function") resolve(address) // all are valid, before one is dialed
    for (const address of list) this.dial(address)
  }

  /** Adds an address. The connection is made, and made again, in the background. An invalid URL throws. */
  dial(address: Address): Endpoint {
    if (this.isClosed) throw closed()
    const endpoint = new Endpoint(this.owner, address)
    this.endpoints.add(endpoint)
    return endpoint
  }

  /** Resolves when there is a connection. */
  ready(options: { signal?: AbortSignal } = {}): Promise<void> {
    if (options.signal?.aborted) return Promise.reject(options.signal.reason)
    if (this.isClosed) return Promise.reject(closed())
    if (this.links.length > 0) return done
    return wait(options.signal, (waiter) => {
      this.readies.add(waiter)
      return () => this.readies.delete(waiter)
    })
  }

  /** Whether close was called. */
  get isClosed(): boolean {
    return this.ending !== undefined
  }

  /** The counters, now. */
  stats(): Stats {
    return { ...this.stat, dropped: { ...this.stat.dropped }, open: this.links.length, sending: this.waitingSends() }
  }

  /**
   * Ends the socket. Messages that wait are sent for at most linger milliseconds, 1000 by default; then what is left is dropped and counted. Later calls
   * return the same promise. Calls that wait for a message or a reply end at once.
   */
  close(options: { linger?: number } = {}): Promise<void> {
    this.ending ??= this.end(options.linger ?? 1000)
    return this.ending
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  override addEventListener<K extends keyof SocketEvents>(
    type: K,
    listener: (event: SocketEvents[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void
  override addEventListener(type: string, listener: any, options?: boolean | AddEventListenerOptions): void {
    super.addEventListener(type, listener, options)
  }

  override removeEventListener<K extends keyof SocketEvents>(
    type: K,
    listener: (event: SocketEvents[K]) => void,
    options?: boolean | EventListenerOptions,
  ): void
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void
  override removeEventListener(type: string, listener: any, options?: boolean | EventListenerOptions): void {
    super.removeEventListener(type, listener, options)
  }

  /**
   * A message came.
   * @internal
   */
  protected abstract received(link: Link, frame: Uint8Array): void

  /**
   * A connection was opened; it is among the links.
   * @internal
   */
  protected linkUp(_link: Link, _endpoint: Endpoint): void {}

  /**
   * A connection has ended; it is among the links no more.
   * @internal
   */
  protected linkDown(_link: Link): void {}

  /**
   * There will be no reply to a request.
   * @internal
   */
  protected refused(_link: Link, _id: number, _reason: string): void {}

  /** @internal */
  protected topicsWanted(): Uint8Array[] {
    return []
  }

  /**
   * topicsWanted returns others than before.
   * @internal
   */
  protected topicsChanged(): void {
    for (const endpoint of this.endpoints) endpoint.refresh()
  }

  /**
   * The socket is being closed.
   * @internal
   */
  protected closing(): void {}

  /** @internal */
  protected drop(reason: Reason, messages = 1): void {
    if (messages > 0) this.stat.dropped[reason] = (this.stat.dropped[reason] ?? 0) + messages
  }

  /**
   * Gives a message to a connection that has room.
   * @internal
   */
  protected give(link: Link, frame: Uint8Array, timeout?: number): void {
    this.stat.sent++
    link.send(frame, timeout)
  }

  /**
   * Gives a message to all connections. Those without room do not get it.
   * @internal
   */
  protected giveAll(frame: Uint8Array, timeout?: number): void {
    if (this.isClosed) throw closed()
    for (const link of this.links) {
      if (link.hasRoom()) {
        this.give(link, frame, timeout)
      } else {
        this.drop("overflow")
      }
    }
  }

  /**
   * The connection for the next message, if there is one with room. Only for sockets that send each message to one peer.
   * @internal
   */
  protected pick(): Link | undefined {
    return undefined
  }

  /**
   * Sends a message to the connection that pick chooses, when there is one. Messages are sent in the order of the calls.
   * @internal
   */
  protected deliver(frame: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.isClosed) return Promise.reject(closed())
    const link = this.sends.size === 0 ? this.pick() : undefined
    if (!link) return this.wait(frame, this.sends, signal)
    this.give(link, frame)
    return done
  }

  /**
   * Sends a message to one connection, when it has room. It rejects if the connection has ended.
   * @internal
   */
  protected deliverOn(link: Link, frame: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.isClosed) return Promise.reject(closed())
    if (!this.links.includes(link)) return Promise.reject(this.noPeer())
    let queue = this.replies.get(link)
    if (!queue && link.hasRoom()) {
      this.give(link, frame)
      return done
    }
    if (!queue) {
      queue = new Set()
      this.replies.set(link, queue)
    }
    return this.wait(frame, queue, signal)
  }

  private wait(frame: Uint8Array, queue: Set<Send>, signal?: AbortSignal): Promise<void> {
    if (this.sendBytes > 0 && this.sendBytes + cost(frame) > this.settings.sendQueueBytes) {
      return Promise.reject(
        new SpryError("full", `${this.sendBytes} bytes wait to be sent; sendQueueBytes is ${this.settings.sendQueueBytes}: await send`),
      )
    }
    const kept = new Uint8Array(frame) // the caller may change it; slice of a Buffer copies nothing
    return wait(signal, (waiter) => {
      const send: Send = { ...waiter, frame: kept }
      queue.add(send)
      this.sendBytes += cost(kept)
      this.schedule()
      return () => this.forget(send, queue)
    })
  }

  /**
   * Gives waiting messages to connections with room.
   * @internal
   */
  protected flush(): void {
    for (const send of this.sends) {
      const link = this.pick()
      if (!link) break
      this.dispatch(send, this.sends, link)
    }
    for (const [link, queue] of this.replies) {
      for (const send of queue) {
        if (!link.hasRoom()) break
        this.dispatch(send, queue, link)
      }
      if (queue.size === 0) this.replies.delete(link)
    }
    this.schedule()
  }

  private dispatch(send: Send, queue: Set<Send>, link: Link): void {
    this.forget(send, queue)
    this.give(link, send.frame)
    send.resolve()
    this.nextPoll = shortestPoll
  }

  /**
   * Whether messages wait for room.
   * @internal
   */
  protected isSending(): boolean {
    return this.sends.size > 0 || this.replies.size > 0
  }

  private waitingSends(): number {
    let n = this.sends.size
    for (const queue of this.replies.values()) n += queue.size
    return n
  }

  /**
   * Has flush called when there may be room again.
   * @internal
   */
  protected schedule(): void {
    if (this.poll !== undefined || this.links.length === 0 || !this.isSending()) return
    this.poll = setTimeout(() => {
      this.poll = undefined
      this.flush()
    }, this.nextPoll)
    this.nextPoll = Math.min(2 * this.nextPoll, longestPoll)
  }

  private noPeer(): SpryError {
    this.drop("no_peer")
    return new SpryError("no_peer", "the connection of the peer that asked has ended")
  }

  private forget(send: Send, queue: Set<Send>): void {
    if (queue.delete(send)) this.sendBytes -= cost(send.frame)
  }

  private opened(link: Link, endpoint: Endpoint): void {
    this.stat.connections++
    this.links.push(link)
    for (const waiter of this.readies) waiter.resolve()
    this.readies.clear()
    this.linkUp(link, endpoint)
    this.flush()
  }

  private lost(link: Link): void {
    this.leave(link)
    this.stat.unconfirmed += link.unsent()
    const queue = this.replies.get(link)
    this.replies.delete(link)
    for (const send of queue ?? []) {
      this.forget(send, queue!)
      send.reject(this.noPeer())
    }
    this.linkDown(link)
    this.flush()
  }

  /** Nothing more is sent on this connection. */
  private leave(link: Link): void {
    const at = this.links.indexOf(link)
    if (at >= 0) this.links.splice(at, 1)
  }

  private changed(endpoint: Endpoint, state: State, carrier: Carrier, reason: string, delay: number): void {
    this.dispatchEvent(new StateEvent(endpoint.url, state, carrier, reason, delay))
  }

  private async end(linger: number): Promise<void> {
    const until = Date.now() + linger
    await done // so that isClosed is set
    for (const waiter of this.readies) waiter.reject(closed())
    this.closing()
    while (Date.now() < until && (this.isSending() || [...this.endpoints].some((endpoint) => !endpoint.isFlushed()))) {
      await new Promise((resolve) => setTimeout(resolve, shortestPoll))
      this.flush()
    }
    clearTimeout(this.poll)
    this.drop("closed", this.waitingSends())
    for (const queue of [this.sends, ...this.replies.values()]) for (const send of queue) send.reject(closed())
    this.sends.clear()
    this.replies.clear()
    const ends = Promise.all([...this.endpoints].map((endpoint) => endpoint.close()))
    const rest = until - Date.now()
    if (rest <= 0) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise((resolve) => (timer = setTimeout(resolve, bounded(rest))))
    await Promise.race([ends, late])
    clearTimeout(timer)
  }
}
