// SPDX-License-Identifier: MIT

import { SpryError } from "./errors.js"
import { Fifo } from "./fifo.js"
import { cost, type Message } from "./message.js"
import { firstOf, type Waiter, wait } from "./wait.js"

/** An Inbox is the queue of received messages. Its owner decides what happens beyond its limit. */
export class Inbox<T extends Message> {
  private readonly items = new Fifo<T>()
  private readonly waiters = new Set<Waiter<T | undefined>>()
  private bytes = 0
  private ended = false

  constructor(private readonly limit: number) {}

  get length(): number {
    return this.items.length
  }

  /** Whether more is queued than may be. */
  get isFull(): boolean {
    return this.bytes > this.limit
  }

  /** Whether less than half of the limit is queued. */
  get isLow(): boolean {
    return this.bytes <= this.limit / 2
  }

  put(item: T): void {
    const waiter = firstOf(this.waiters)
    if (waiter) {
      this.waiters.delete(waiter)
      waiter.resolve(item)
      return
    }
    this.bytes += cost(item.bytes)
    this.items.push(item)
  }

  /** Removes the oldest message. */
  shift(): T | undefined {
    const item = this.items.shift()
    if (item) this.bytes -= cost(item.bytes)
    return item
  }

  /** Waits for the next message; undefined is the end. */
  take(signal?: AbortSignal): Promise<T | undefined> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.items.length > 0 || this.ended) return Promise.resolve(this.shift())
    return wait(signal, (waiter) => {
      this.waiters.add(waiter)
      return () => this.waiters.delete(waiter)
    })
  }

  /** Takes no more messages. Those that are queued can be taken. */
  finish(): void {
    this.ended = true
    for (const waiter of this.waiters) waiter.resolve(undefined)
    this.waiters.clear()
  }

  /** Ends the queue, and returns the number of messages that were in it. */
  end(): number {
    this.finish()
    let dropped = 0
    while (this.shift()) dropped++
    return dropped
  }
}

/** A Receiver is what receiving sockets have in common: they are sequences of messages. */
export interface Receiver<T extends Message> extends AsyncIterable<T> {
  /**
   * Waits for the next message. Calls are served in their order. Rejects with "closed" when the socket is closed, and with the signal's reason when that
   * aborts; no message is lost then.
   */
  recv(options?: { signal?: AbortSignal }): Promise<T>

  /** The messages as they come, until the socket is closed. Throws the signal's reason when that aborts. */
  messages(options?: { signal?: AbortSignal }): AsyncIterableIterator<T>
}

/** messagesOf iterates over messages until take has no more. */
export function messagesOf<T>(take: () => Promise<T | undefined>): AsyncIterableIterator<T> {
  let over = false
  return {
    async next() {
      const value = over ? undefined : await take()
      if (value !== undefined) return { value, done: false }
      over = true
      return { value: undefined, done: true }
    },
    async return() {
      over = true
      return { value: undefined, done: true }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** closed is the error of calls on a closed socket. */
export function closed(): SpryError {
  return new SpryError("closed", "the socket is closed")
}
