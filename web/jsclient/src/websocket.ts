// SPDX-License-Identifier: MIT

import { Fifo } from "./fifo.js"
import { type Link, type LinkOwner, Status } from "./link.js"
import type { Settings, WebSocketLike } from "./options.js"
import { bounded } from "./wait.js"

const open = 1 // of WebSocket.readyState

/** batch is after how many messages the sizes of those that have left are forgotten. */
const batch = 256

/** A WebSocketLink is a connection over a WebSocket. */
export class WebSocketLink implements Link {
  readonly carrier = "websocket"
  readonly resumed = false
  readonly wait = 0
  isOpen = false

  private readonly ws: WebSocketLike

  // A WebSocket says how many bytes it has not sent, and not which messages. So their sizes are kept until they have left.
  private readonly sizes = new Fifo<number>()
  private keptBytes = 0
  private untilSettled = batch
  private given = 0 // bytes, ever
  private left = 0 // of those, the most that are known to have left

  private watch: ReturnType<typeof setTimeout> | undefined // runs until it is open, while there are sizes, or if idleTimeout is set
  private progress = 0
  private heard = 0
  private ended = false
  private suspect = false // a time is over; events may wait behind a timer that is late

  /** subprotocol is the one that is offered. */
  constructor(
    readonly url: string,
    target: string,
    subprotocol: string,
    private readonly owner: LinkOwner,
    private readonly settings: Settings,
  ) {
    const ws = new settings.WebSocket(target, [subprotocol])
    this.ws = ws
    if (ws.binaryType === "blob") ws.binaryType = "arraybuffer" // npm's ws has Buffers, which are not copied
    let reason = ""
    this.watch = setTimeout(() => {
      reason = `no connection within ${settings.handshakeTimeout} ms`
      ws.close() // and its owner waits for the end: browsers delay attempts that overlap
    }, bounded(settings.handshakeTimeout))
    ws.onerror = (event) => {
      reason ||= event.message ?? "" // browsers give no reason
    }
    ws.onopen = () => {
      if (this.ended) return
      clearTimeout(this.watch)
      this.watch = undefined
      if (ws.protocol !== subprotocol) {
        reason = `the server speaks ${ws.protocol || "no subprotocol"}, not ${subprotocol}`
        ws.close(Status.malformed, reason.slice(0, 60))
        return
      }
      this.isOpen = true
      this.progress = this.heard = Date.now()
      ws.onmessage = (event) => this.receive(event.data)
      if (settings.idleTimeout > 0) this.startWatch()
      owner.linkOpened(this)
    }
    ws.onclose = (event) => {
      const why =
        reason || event.reason || (this.isOpen ? `the connection ended, status ${event.code}` : "the server cannot be reached, or refuses")
      this.release()
      owner.linkEnded(this, why)
    }
  }

  hasRoom(): boolean {
    return this.ws.readyState === open && this.ws.bufferedAmount < this.settings.bufferedBytes
  }

  isFlushed(): boolean {
    return this.ws.bufferedAmount === 0 || this.ws.readyState !== open
  }

  send(frame: Uint8Array): void {
    this.ws.send(frame)
    if (this.sizes.length === 0) this.progress = Date.now()
    this.given += frame.length
    this.keptBytes += frame.length
    this.sizes.push(frame.length)
    if (--this.untilSettled === 0) this.settle()
    if (this.watch === undefined) this.startWatch()
  }

  unsent(): number {
    this.settle()
    return this.sizes.length
  }

  rest(): Uint8Array[] {
    return [] // a WebSocket does not give back
  }

  fail(status: number, reason: string): void {
    if (this.ended) return
    this.end(status, reason)
    this.owner.linkEnded(this, reason)
  }

  close(status: number): Promise<void> {
    return this.end(status)
  }

  private end(status: number, reason = ""): Promise<void> {
    this.release()
    const over = new Promise<void>((resolve) => {
      this.ws.onclose = () => resolve()
    })
    this.ws.close(status, reason.slice(0, 60))
    return over
  }

  /** Nothing more comes from the WebSocket. */
  private release(): void {
    this.ended = true
    clearTimeout(this.watch)
    this.ws.onmessage = null
  }

  private receive(data: unknown): void {
    this.heard = Date.now()
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
    const stalled = this.sizes.length > 0 && now - this.progress >= stallTimeout
    const silent = idleTimeout > 0 && now - this.heard >= idleTimeout
    if ((stalled || silent) && !this.suspect) {
      this.suspect = true
      this.watch = setTimeout(() => this.check(), 0)
    } else if (stalled) {
      this.fail(Status.gone, `the peer took nothing for ${stallTimeout} ms`)
    } else if (silent) {
      this.fail(Status.gone, `the peer sent nothing for ${idleTimeout} ms`)
    } else {
      this.suspect = false
      if (this.sizes.length > 0 || idleTimeout > 0) this.startWatch()
    }
  }
}
