// SPDX-License-Identifier: MIT

import { Fifo } from "./fifo.js"
import type { Settings, WebSocketLike } from "./options.js"

const open = 1 // of WebSocket.readyState

/** The statuses with which a link ends its WebSocket. Pages may use 1000 and those from 3000 on. */
export const Status = { normal: 1000, malformed: 4002, text: 4003, full: 4008, oversize: 4009, gone: 4001 } as const

/** A LinkOwner is told what happens on a link. */
export interface LinkOwner {
  linkReceived(link: Link, frame: Uint8Array): void
  linkEnded(link: Link, reason: string): void
}

/** A Link is one open connection. */
export class Link {
  // A WebSocket says how many bytes it has not sent, and not which messages. So their sizes are kept until they have left.
  private readonly sizes = new Fifo<number>()
  private keptBytes = 0
  private untilSettled = batch
  private given = 0 // bytes, ever
  private left = 0 // of those, the most that are known to have left

  private watch: ReturnType<typeof setTimeout> | undefined // runs while there are sizes, or idleTimeout is set
  private progress = Date.now()
  private heard = Date.now()
  private ended = false
  private suspect = false // nothing was heard for idleTimeout; events may wait behind a timer that is late

  constructor(
    readonly url: string,
    private readonly ws: WebSocketLike,
    private readonly owner: LinkOwner,
    private readonly settings: Settings,
  ) {
    ws.onmessage = (event) => this.receive(event.data)
    if (settings.idleTimeout > 0) this.startWatch()
  }

  /** Whether a message can be sent now. */
  hasRoom(): boolean {
    return this.ws.readyState === open && this.ws.bufferedAmount < this.settings.bufferedBytes
  }

  /** Whether the WebSocket has sent everything. */
  isFlushed(): boolean {
    return this.ws.bufferedAmount === 0 || this.ws.readyState !== open
  }

  /** Gives a message to the WebSocket, which copies it. */
  send(frame: Uint8Array): void {
    this.ws.send(frame)
    if (this.sizes.length === 0) this.progress = Date.now()
    this.given += frame.length
    this.keptBytes += frame.length
    this.sizes.push(frame.length)
    if (--this.untilSettled === 0) this.settle()
    if (this.watch === undefined) this.startWatch()
  }

  /** The number of messages that may not have left this machine. */
  unsent(): number {
    this.settle()
    return this.sizes.length
  }

  /** Ends the connection. Its owner learns the reason before fail returns. */
  fail(status: number, reason: string): void {
    if (this.ended) return
    this.close(status, reason)
    this.owner.linkEnded(this, reason)
  }

  /** Ends the connection, without a word to the owner. */
  close(status: number, reason = ""): void {
    this.release()
    this.ws.close(status, reason.slice(0, 60))
  }

  /** The connection is over: nothing more comes from it. */
  release(): void {
    this.ended = true
    clearTimeout(this.watch)
    this.ws.onmessage = null
  }

  private receive(data: unknown): void {
    this.heard = Date.now()
    this.suspect = false
    if (typeof data === "string") {
      this.fail(Status.text, "the peer sent text; messages are binary")
      return
    }
    const frame = data instanceof Uint8Array ? data : new Uint8Array(data as ArrayBuffer)
    if (frame.length > this.settings.maxMessageSize) {
      this.fail(Status.oversize, `a message of ${frame.length} bytes; maxMessageSize is ${this.settings.maxMessageSize}`)
      return
    }
    this.owner.linkReceived(this, frame)
  }

  /** Forgets the sizes of messages that have left. bufferedAmount may count the frames of WebSocket too: then some are kept longer. */
  private settle(): void {
    const rest = this.ws.bufferedAmount
    for (let size = this.sizes.first(); size !== undefined && this.keptBytes - size >= rest; size = this.sizes.first()) {
      this.keptBytes -= size
      this.sizes.shift()
    }
    if (this.given - rest > this.left) {
      this.left = this.given - rest
      this.progress = Date.now()
    }
    this.untilSettled = batch
  }

  private startWatch(): void {
    const { stallTimeout, idleTimeout } = this.settings
    const shortest = idleTimeout > 0 ? Math.min(stallTimeout, idleTimeout) : stallTimeout
    this.watch = setTimeout(() => this.check(), Math.max(1, Math.min(1000, shortest / 4)))
  }

  private check(): void {
    this.watch = undefined
    const { stallTimeout, idleTimeout } = this.settings
    this.settle()
    const now = Date.now()
    if (this.sizes.length > 0 && now - this.progress >= stallTimeout) {
      this.fail(Status.gone, `the peer took nothing for ${stallTimeout} ms`)
    } else if (idleTimeout > 0 && now - this.heard >= idleTimeout && !this.suspect) {
      this.suspect = true
      this.watch = setTimeout(() => this.check(), 0)
    } else if (this.suspect) {
      this.fail(Status.gone, `the peer sent nothing for ${idleTimeout} ms`)
    } else if (this.sizes.length > 0 || idleTimeout > 0) {
      this.startWatch()
    }
  }
}

/** batch is after how many messages the sizes of those that have left are forgotten. */
const batch = 256
