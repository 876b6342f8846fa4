// SPDX-License-Identifier: MIT

import type { Address } from "./address.js"
import { Endpoint, type EndpointOwner } from "./endpoint.js"
import { SpryError } from "./errors.js"
import { type GapEvent, type State, StateEvent } from "./events.js"
import { closed } from "./inbox.js"
import type { Link } from "./link.js"
import { type Options, type Settings, settingsOf } from "./options.js"
import { type Waiter, wait } from "./wait.js"

/** Why messages were dropped. The words are those of Spry's statistics. */
export type Reason = "overflow" | "pipe_closed" | "closed" | "ttl" | "no_peer" | "stale" | "foreign" | "unwanted" | "envelope"

/** A snapshot of the counters of a socket. */
export interface Stats {
  /** Messages that were given to a WebSocket; once for each, where a message goes to all peers. */
  sent: number
  /** Messages that arrived, with those that were dropped later. */
  received: number
  /** Messages that a WebSocket had taken when its connection ended, and had not sent. */
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
  pick: Pick
}

/**
 * A Pick chooses the connection of a message. Undefined means that there is none with room yet, null that there never will be.
 * @internal
 */
export type Pick = () => Link | undefined | null

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
  private readonly sends = new Set<Send>()
  private readonly readies = new Set<Waiter<void>>()
  private sendBytes = 0
  private poll: ReturnType<typeof setTimeout> | undefined
  private nextPoll = shortestPoll
  private ending: Promise<void> | undefined

  /** @internal */
  protected constructor(peer: string, addresses: Address | Address[] | undefined, options: Options) {
    super()
    this.settings = settingsOf(options)
    this.owner = {
      settings: this.settings,
      subprotocol: `${peer}.sp.nanomsg.org`,
      linkOpened: (link, endpoint) => this.opened(link, endpoint),
      linkEnded: (link) => this.lost(link),
      linkReceived: (link, frame) => {
        this.stat.received++
        this.received(link, frame)
        if (this.isSending()) this.flush()
      },
      endpointChanged: (endpoint, state, reason, delay) => this.changed(endpoint, state, reason, delay),
      endpointClosed: (endpoint) => this.endpoints.delete(endpoint),
    }
    for (const address of addresses === undefined ? [] : Array.isArray(addresses) ? addresses : [addresses]) this.dial(address)
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
    return { ...this.stat, dropped: { ...this.stat.dropped }, open: this.links.length, sending: this.sends.size }
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
  protected give(link: Link, frame: Uint8Array): void {
    this.stat.sent++
    link.send(frame)
  }

  /**
   * Gives a message to all connections. Those without room do not get it.
   * @internal
   */
  protected giveAll(frame: Uint8Array): void {
    if (this.isClosed) throw closed()
    for (const link of this.links) {
      if (link.hasRoom()) {
        this.give(link, frame)
      } else {
        this.drop("overflow")
      }
    }
  }

  /**
   * Sends a message to the connection that pick returns, when it returns one. Messages are sent in the order of the calls.
   * @internal
   */
  protected deliver(frame: Uint8Array, pick: Pick, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.isClosed) return Promise.reject(closed())
    if (this.sends.size === 0) {
      const link = pick()
      if (link) {
        this.give(link, frame)
        return done
      }
      if (link === null) return Promise.reject(this.noPeer())
    }
    if (this.sends.size > 0 && this.sendBytes + frame.length > this.settings.sendQueueBytes) {
      return Promise.reject(
        new SpryError("full", `${this.sendBytes} bytes wait to be sent; sendQueueBytes is ${this.settings.sendQueueBytes}: await send`),
      )
    }
    const kept = frame.slice() // the caller may change it
    return wait(signal, (waiter) => {
      const send: Send = { ...waiter, frame: kept, pick }
      this.sends.add(send)
      this.sendBytes += kept.length
      this.schedule()
      return () => this.forget(send)
    })
  }

  /**
   * Gives waiting messages to connections with room.
   * @internal
   */
  protected flush(): void {
    for (const send of this.sends) {
      const link = send.pick()
      if (link === undefined) continue // another message may be for another connection
      this.forget(send)
      if (link) {
        this.give(link, send.frame)
        send.resolve()
        this.nextPoll = shortestPoll
      } else {
        send.reject(this.noPeer())
      }
    }
    this.schedule()
  }

  /**
   * Whether messages wait for room.
   * @internal
   */
  protected isSending(): boolean {
    return this.sends.size > 0
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

  private forget(send: Send): void {
    if (this.sends.delete(send)) this.sendBytes -= send.frame.length
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
    const at = this.links.indexOf(link)
    if (at >= 0) this.links.splice(at, 1)
    this.stat.unconfirmed += link.unsent()
    this.linkDown(link)
    this.flush()
  }

  private changed(endpoint: Endpoint, state: State, reason: string, delay: number): void {
    this.dispatchEvent(new StateEvent(endpoint.url, state, reason, delay))
  }

  private async end(linger: number): Promise<void> {
    const until = Date.now() + linger
    await done // so that isClosed is set
    for (const waiter of this.readies) waiter.reject(closed())
    this.closing()
    while (Date.now() < until && (this.isSending() || this.links.some((link) => !link.isFlushed()))) {
      await new Promise((resolve) => setTimeout(resolve, shortestPoll))
      this.flush()
    }
    clearTimeout(this.poll)
    this.drop("closed", this.sends.size)
    for (const send of this.sends) send.reject(closed())
    this.sends.clear()
    const ends = Promise.all([...this.endpoints].map((endpoint) => endpoint.close()))
    const rest = until - Date.now()
    if (rest <= 0) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise((resolve) => (timer = setTimeout(resolve, rest)))
    await Promise.race([ends, late])
    clearTimeout(timer)
  }
}
