// SPDX-License-Identifier: MIT

import { type Address, redact, resolve } from "./address.js"
import { Backoff } from "./backoff.js"
import type { State } from "./events.js"
import { Link, type LinkOwner, Status } from "./link.js"
import type { Settings, WebSocketLike } from "./options.js"
import { bounded } from "./wait.js"

/** A connection that lived for so long, in milliseconds, sets the wait before the next attempt to the shortest. */
const steady = 5_000

/** An EndpointOwner is the socket of an endpoint. */
export interface EndpointOwner extends LinkOwner {
  readonly settings: Settings
  /** The one subprotocol that is offered. */
  readonly subprotocol: string
  linkOpened(link: Link, endpoint: Endpoint): void
  endpointChanged(endpoint: Endpoint, state: State, reason: string, delay: number): void
  endpointClosed(endpoint: Endpoint): void
}

/**
 * An Endpoint keeps one connection to an address: it dials again when the connection has ended. There is one attempt at a time, because browsers delay
 * attempts, and a page that does not wait for them makes several connections.
 */
export class Endpoint {
  /** The URL, without user and parameters. */
  url: string

  private current: State = "connecting"
  private ws: WebSocketLike | undefined // of the attempt or the connection that counts
  private link: Link | undefined
  private openedAt = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private held = false
  private ending: Promise<void> | undefined
  private readonly backoff: Backoff
  private readonly retryNow = () => {
    if (this.current === "waiting" && !this.held) this.dial()
  }

  /** @internal */
  constructor(
    private readonly owner: EndpointOwner,
    private readonly address: Address,
  ) {
    this.url = typeof address === "function" ? "" : redact(resolve(address))
    const { min, max } = owner.settings.backoff
    this.backoff = new Backoff(min, max)
    // The network is back. In Node nobody says so.
    ;(globalThis as { addEventListener?: typeof addEventListener }).addEventListener?.("online", this.retryNow)
    queueMicrotask(() => {
      if (this.current !== "closed") this.dial()
    })
  }

  get state(): State {
    return this.current
  }

  /** Ends the connection, and dials no more. Resolves when the peer has confirmed the end, or the browser has given it up. */
  close(): Promise<void> {
    this.ending ??= this.end()
    return this.ending
  }

  private async end(): Promise<void> {
    if (this.current === "closed") return // in its own event
    ;(globalThis as { removeEventListener?: typeof removeEventListener }).removeEventListener?.("online", this.retryNow)
    clearTimeout(this.timer)
    const { ws, link } = this
    this.ws = this.link = undefined
    this.change("closed", "closed here")
    const over = ws && new Promise<void>((resolve) => (ws.onclose = () => resolve()))
    if (link) {
      link.close(Status.normal)
      this.owner.linkEnded(link, "closed here")
    } else {
      ws?.close()
    }
    this.owner.endpointClosed(this)
    await over
  }

  /**
   * Makes the next attempt wait until release is called.
   * @internal
   */
  hold(): void {
    this.held = true
    clearTimeout(this.timer)
  }

  /** @internal */
  release(): void {
    if (!this.held) return
    this.held = false
    this.retryNow()
  }

  private change(state: State, reason = "", delay = 0): void {
    this.current = state
    this.owner.endpointChanged(this, state, reason, delay)
  }

  private async dial(): Promise<void> {
    clearTimeout(this.timer)
    this.change("connecting")
    let url: string
    try {
      url = resolve(typeof this.address === "function" ? await this.asked(this.address) : this.address)
    } catch (error) {
      this.retry(message(error))
      return
    }
    if (this.state === "closed") return
    this.url = redact(url)
    this.connect(url)
  }

  /** What the program's function returns, if it does so in time. */
  private async asked(address: () => string | URL | Promise<string | URL>): Promise<string | URL> {
    const { handshakeTimeout } = this.owner.settings
    const late = new Promise<never>((_, reject) => {
      this.timer = setTimeout(() => reject(new Error(`no address within ${handshakeTimeout} ms`)), bounded(handshakeTimeout))
    })
    return Promise.race([address(), late]).finally(() => clearTimeout(this.timer))
  }

  private connect(url: string): void {
    const { settings, subprotocol } = this.owner
    let ws: WebSocketLike
    try {
      ws = new settings.WebSocket(url, [subprotocol])
    } catch (error) {
      this.retry(message(error))
      return
    }
    this.ws = ws
    if (ws.binaryType === "blob") ws.binaryType = "arraybuffer" // npm's ws has Buffers, which are not copied
    let reason = ""
    this.timer = setTimeout(() => {
      reason = `no connection within ${settings.handshakeTimeout} ms`
      ws.close() // and the next attempt waits for its end
    }, bounded(settings.handshakeTimeout))
    ws.onerror = (event) => {
      reason ||= event.message ?? "" // browsers give no reason
    }
    ws.onopen = () => {
      if (this.ws !== ws) return
      clearTimeout(this.timer)
      if (ws.protocol !== subprotocol) {
        reason = `the server speaks ${ws.protocol || "no subprotocol"}, not ${subprotocol}`
        ws.close(Status.malformed, reason.slice(0, 60))
        return
      }
      this.openedAt = Date.now()
      const link = new Link(this.url, ws, { linkReceived: this.owner.linkReceived, linkEnded: this.linkEnded }, settings)
      this.link = link
      this.change("open")
      if (this.link === link) this.owner.linkOpened(link, this) // an event may have closed the endpoint
    }
    ws.onclose = (event) => {
      if (this.ws !== ws) return
      const why =
        reason || event.reason || (this.link ? `the connection ended, status ${event.code}` : "the server cannot be reached, or refuses")
      if (this.link) {
        this.link.release()
        this.linkEnded(this.link, why)
      } else {
        this.retry(why)
      }
    }
  }

  private readonly linkEnded = (link: Link, reason: string): void => {
    this.link = undefined
    this.owner.linkEnded(link, reason)
    if (this.current === "closed") return // by the program, in an event
    if (Date.now() - this.openedAt >= steady) this.backoff.reset()
    this.retry(reason)
  }

  private retry(reason: string): void {
    clearTimeout(this.timer)
    this.ws = undefined
    if (this.current === "closed") return
    const delay = this.held ? 0 : Math.round(this.backoff.next())
    this.change("waiting", reason, delay)
    // An event may have closed the endpoint, which TypeScript cannot know.
    if (!this.held && (this.current as State) === "waiting") this.timer = setTimeout(() => this.dial(), delay)
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
