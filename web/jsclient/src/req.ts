// SPDX-License-Identifier: MIT

import type { Address } from "./address.js"
import { SpryError } from "./errors.js"
import { nextId, randomId, withWord, wordOf } from "./header.js"
import { closed } from "./inbox.js"
import { type Link, Status } from "./link.js"
import { type Body, bytesOf, cost, Message } from "./message.js"
import type { Options } from "./options.js"
import { Socket } from "./socket.js"
import { bounded, type Waiter, wait } from "./wait.js"

/** The options of a Req. */
export interface ReqOptions extends Options {
  /** A request that has no reply after so many milliseconds is sent again, to another peer if there is one. Defaults to 60 s; Infinity means never. */
  retryAfter?: number
}

// A Pending is a request without a reply.
interface Pending extends Waiter<Message> {
  id: number
  frame: Uint8Array
  link: Link | undefined // that it was sent on; undefined while it waits
  sentAt: number
}

/**
 * A Req sends requests, each to one of its peers, which are Reps: the one with the fewest requests. Any number can be under way. A request is sent again
 * when its connection ends or a reply takes long, so a peer may see it twice.
 */
export class Req extends Socket {
  private readonly retryAfter: number
  private readonly pending = new Map<number, Pending>()
  private readonly waiting = new Set<Pending>() // those of them that no connection had room for
  private readonly load = new Map<Link, number>() // requests on each connection
  private waitingBytes = 0
  private lastId = randomId()
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(addresses?: Address | Address[], options: ReqOptions = {}) {
    const { retryAfter = 60_000 } = options
    if (!(retryAfter > 0)) throw new SpryError("config", "retryAfter must be above 0; use Infinity for never")
    super("rep", addresses, options)
    this.retryAfter = retryAfter
  }

  /** Sends a request, and resolves with its reply. When the signal aborts, it rejects with the signal's reason, and a later reply is dropped. */
  request(body: Body, options: { signal?: AbortSignal } = {}): Promise<Message> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.isClosed) return Promise.reject(closed())
    do this.lastId = nextId(this.lastId)
    while (this.pending.has(this.lastId))
    const id = this.lastId
    const frame = withWord(id, bytesOf(body))
    if (this.waiting.size > 0 && this.waitingBytes + cost(frame) > this.settings.sendQueueBytes) {
      return Promise.reject(
        new SpryError("full", `${this.waitingBytes} bytes of requests wait to be sent; sendQueueBytes is ${this.settings.sendQueueBytes}`),
      )
    }
    return wait(signal, (waiter) => {
      const p: Pending = { ...waiter, id, frame, link: undefined, sentAt: 0 }
      this.pending.set(id, p)
      this.post(p)
      return () => this.remove(p)
    })
  }

  /** @internal */
  protected received(link: Link, frame: Uint8Array): void {
    const id = wordOf(frame)
    if (id === undefined || id < 0x80000000) {
      this.drop("envelope")
      link.fail(Status.malformed, "a reply without the id of its request")
      return
    }
    const p = this.pending.get(id)
    if (p?.link === link) {
      this.remove(p)
      p.resolve(new Message(frame.subarray(4)))
    } else {
      this.drop(p ? "foreign" : "stale")
    }
  }

  /** @internal */
  protected override refused(link: Link, id: number, reason: string): void {
    const p = this.pending.get(id)
    if (p?.link !== link) return
    this.remove(p)
    p.reject(new SpryError("refused", reason))
  }

  /** @internal */
  protected override linkDown(link: Link): void {
    this.load.delete(link)
    for (const p of this.pending.values()) if (p.link === link) this.queue(p)
  }

  /** @internal */
  protected override flush(): void {
    for (const p of this.waiting) {
      const link = this.lightest()
      if (!link) break
      this.put(p, link)
    }
    super.flush()
  }

  /** @internal */
  protected override isSending(): boolean {
    return this.waiting.size > 0
  }

  /** @internal */
  protected override closing(): void {
    clearTimeout(this.timer)
    this.drop("closed", this.waiting.size)
    const all = [...this.pending.values()]
    this.pending.clear()
    this.waiting.clear() // at first, or they would be sent where the others make room
    this.waitingBytes = 0
    for (const p of all) {
      this.unload(p)
      p.reject(closed())
    }
  }

  /** Sends a request, or has it wait for room. */
  private post(p: Pending, except?: Link): void {
    const link = this.waiting.size === 0 ? this.lightest(except) : undefined
    if (link) {
      this.put(p, link)
    } else {
      this.queue(p)
      this.schedule()
    }
  }

  private put(p: Pending, link: Link): void {
    this.unqueue(p)
    p.link = link
    p.sentAt = Date.now()
    this.load.set(link, (this.load.get(link) ?? 0) + 1)
    this.give(link, p.frame, this.retryAfter)
    this.startTimer()
  }

  private queue(p: Pending): void {
    p.link = undefined
    this.waiting.add(p)
    this.waitingBytes += cost(p.frame)
  }

  private unqueue(p: Pending): void {
    if (this.waiting.delete(p)) this.waitingBytes -= cost(p.frame)
  }

  private remove(p: Pending): void {
    this.pending.delete(p.id)
    this.unqueue(p)
    this.unload(p)
  }

  private unload(p: Pending): void {
    const load = p.link && this.load.get(p.link)
    if (load !== undefined) this.load.set(p.link!, load - 1)
    const { link } = p
    p.link = undefined
    link?.forget?.(p.id)
  }

  /** The connection with room and the fewest requests; except only if there is no other. */
  private lightest(except?: Link): Link | undefined {
    let best: Link | undefined
    let least = Infinity
    for (const link of this.links) {
      const load = (this.load.get(link) ?? 0) + (link === except ? 2 ** 32 : 0)
      if (load < least && link.hasRoom()) {
        best = link
        least = load
      }
    }
    return best
  }

  private startTimer(): void {
    if (this.timer !== undefined || this.retryAfter === Infinity) return
    this.timer = setTimeout(
      () => {
        this.timer = undefined
        this.retry()
        if (this.pending.size > 0) this.startTimer()
      },
      bounded(Math.max(1, this.retryAfter / 4)),
    )
  }

  private retry(): void {
    const now = Date.now()
    for (const p of [...this.pending.values()]) {
      if (!p.link || now - p.sentAt < this.retryAfter) continue
      const slow = p.link
      this.unload(p)
      this.post(p, slow)
    }
  }
}
