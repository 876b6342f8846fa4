// SPDX-License-Identifier: MIT

import { type Address, gatewayOf, redact, resolve } from "./address.js"
import { Backoff } from "./backoff.js"
import type { State } from "./events.js"
import { gatewayLinks, type Place } from "./http.js"
import { type Carrier, type Link, type LinkOwner, Status } from "./link.js"
import type { Settings } from "./options.js"
import { bounded } from "./wait.js"
import { WebSocketLink } from "./websocket.js"

/** A connection that lived for so long, in milliseconds, sets the wait before the next attempt to the shortest. */
const steady = 5_000

// When WebSockets count as blocked, if there is a fallback: after so many attempts that did not open, or one that takes so long. Then one is
// tried again after a minute, and after a time that doubles from then on.
const enoughFailures = 2
const slowAttempt = 5_000
const firstTrial = 60_000
const lastTrial = 600_000

/** An EndpointOwner is the socket of an endpoint. It is told of a link when that is open, and of its end if it was. */
export interface EndpointOwner extends Omit<LinkOwner, "linkOpened"> {
  readonly settings: Settings
  /** The protocol of the peer. */
  readonly peer: string
  linkOpened(link: Link, endpoint: Endpoint): void
  /** Another link has taken its place. It still receives answers, and ends later. */
  linkRetired(link: Link): void
  topics(): Uint8Array[]
  endpointChanged(endpoint: Endpoint, state: State, carrier: Carrier, reason: string, delay: number): void
  /** unsent messages have gone with it. */
  endpointClosed(endpoint: Endpoint, unsent: number): void
}

/**
 * An Endpoint keeps one connection to an address: it dials again when the connection has ended. There is one attempt at a time, because browsers delay
 * attempts, and a page that does not wait for them makes several connections. It knows when to use which kind of link.
 */
export class Endpoint {
  /** The URL, without user and parameters. */
  url: string

  private current: State = "connecting"
  private link: Link | undefined // of the attempt or the connection that counts
  private trial: Link | undefined // a WebSocket beside a link to a gateway
  private readonly retired = new Set<Link>() // that wait for answers
  private rest: Uint8Array[] = [] // what the last link has taken, and the next one is to send
  private target = "" // of the attempt
  private openedAt = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private held = false
  private ending: Promise<void> | undefined
  private readonly backoff: Backoff
  private readonly links: LinkOwner
  private readonly place: Place

  private failures = 0 // of WebSockets in a row that did not open
  private blockedUntil = 0 // when a WebSocket is tried again
  private nextTrial = firstTrial

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
    this.links = { ...owner, linkOpened: (link) => this.opened(link), linkEnded: (link, reason) => this.ended(link, reason) }
    this.place = { id: "", topics: owner.topics }
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
    const { link, trial } = this
    const open = [...this.retired, ...(link?.isOpen ? [link] : [])]
    this.link = this.trial = undefined
    this.retired.clear()
    this.change("closed", "closed here", 0, link?.carrier)
    const over = [...new Set([...open, link, trial])].map((link) => link?.close(Status.normal))
    if (link) this.rest.push(...link.rest())
    for (const link of open) this.owner.linkEnded(link, "closed here")
    this.owner.endpointClosed(this, this.rest.length)
    await Promise.all(over)
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

  /**
   * Whether all that it was given has been sent.
   * @internal
   */
  isFlushed(): boolean {
    return this.rest.length === 0 && (!this.link?.isOpen || this.link.isFlushed())
  }

  /** @internal */
  refresh(): void {
    this.link?.refresh?.()
  }

  private change(state: State, reason = "", delay = 0, carrier = this.link?.carrier ?? "websocket"): void {
    this.current = state
    this.owner.endpointChanged(this, state, carrier, reason, delay)
  }

  private async dial(): Promise<void> {
    clearTimeout(this.timer)
    const byHttp = this.owner.settings.fallback && Date.now() < this.blockedUntil
    this.change("connecting", "", 0, byHttp ? "http" : "websocket")
    try {
      this.target = await this.where()
    } catch (error) {
      this.retry(message(error))
      return
    }
    if (this.state !== "connecting") return
    this.url = redact(this.target)
    if (byHttp) {
      this.askGateway()
    } else {
      this.connect()
    }
  }

  /** The URL of a WebSocket, if the program's function returns it in time. */
  private async where(): Promise<string> {
    const { address } = this
    if (typeof address !== "function") return resolve(address)
    const { handshakeTimeout } = this.owner.settings
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      timer = this.timer = setTimeout(() => reject(new Error(`no address within ${handshakeTimeout} ms`)), bounded(handshakeTimeout))
    })
    return resolve(await Promise.race([address(), late]).finally(() => clearTimeout(timer)))
  }

  private webSocket(target: string): Link {
    return new WebSocketLink(redact(target), target, `${this.owner.peer}.sp.nanomsg.org`, this.links, this.owner.settings)
  }

  private connect(): void {
    try {
      this.link = this.webSocket(this.target)
    } catch (error) {
      this.refused(message(error))
      return
    }
    if (!this.owner.settings.fallback) return
    this.timer = setTimeout(() => {
      this.link?.close(Status.normal)
      this.failures = enoughFailures
      this.refused("")
    }, slowAttempt)
  }

  /** A WebSocket did not open. */
  private refused(reason: string): void {
    if (this.owner.settings.fallback && ++this.failures >= enoughFailures) {
      this.change("connecting", reason, 0, "http")
      if ((this.current as State) === "connecting") this.askGateway()
    } else {
      this.retry(reason)
    }
  }

  private askGateway(): void {
    clearTimeout(this.timer)
    const { settings, peer } = this.owner
    try {
      const target = gatewayOf(this.target, settings.fallback)
      this.url = redact(target)
      this.link = new gatewayLinks[peer]!(this.url, target, this.links, settings, this.place)
    } catch (error) {
      this.retry(message(error))
    }
  }

  private opened(link: Link): void {
    if (link === this.link) {
      this.take(link)
    } else if (link === this.trial) {
      const old = this.link!
      old.retire!((rest) => {
        if (this.trial !== link) return false
        this.rest = rest
        this.retired.add(old)
        this.owner.linkRetired(old)
        this.take(link)
        return true
      })
    }
  }

  /** The link is open, and is that of the endpoint from now on. */
  private take(link: Link): void {
    clearTimeout(this.timer)
    this.trial = undefined
    this.link = link
    this.url = link.url
    this.openedAt = Date.now()
    if (link.carrier === "websocket") {
      this.failures = this.blockedUntil = 0
      this.nextTrial = firstTrial
      this.place.id = "" // what comes now has no ids
    } else {
      this.plan()
    }
    this.change("open")
    if (this.link !== link) return // an event has closed the endpoint
    for (const frame of this.rest.splice(0)) link.send(frame)
    this.owner.linkOpened(link, this)
  }

  /** Plans the next attempt with a WebSocket: beside a link that can be replaced, or when this one has ended. */
  private plan(): void {
    const now = Date.now()
    if (now >= this.blockedUntil) {
      this.blockedUntil = now + this.nextTrial
      this.nextTrial = Math.min(2 * this.nextTrial, lastTrial)
    }
    const { link } = this
    if (link?.retire) this.timer = setTimeout(() => this.try(link), this.blockedUntil - now)
  }

  private async try(link: Link): Promise<void> {
    try {
      const target = await this.where()
      if (this.link === link) this.trial = this.webSocket(target)
    } catch {
      if (this.link === link) this.plan()
    }
  }

  private ended(link: Link, reason: string): void {
    if (this.retired.delete(link)) {
      this.owner.linkEnded(link, reason)
    } else if (link === this.trial) {
      this.trial = undefined
      this.plan()
    } else if (link === this.link) {
      this.lost(link, reason)
    }
  }

  private lost(link: Link, reason: string): void {
    this.link = undefined
    if (!link.isOpen) {
      if (link.carrier === "websocket") {
        this.refused(reason)
      } else {
        this.blockedUntil = 0
        this.retry(reason, link)
      }
      return
    }
    this.rest = link.rest()
    this.owner.linkEnded(link, reason)
    if (this.current === "closed") return // by the program, in an event
    if (Date.now() - this.openedAt >= steady) this.backoff.reset()
    if (this.trial?.isOpen) {
      this.take(this.trial)
      return
    }
    this.trial?.close(Status.normal)
    this.trial = undefined
    this.retry(reason, link)
  }

  private retry(reason: string, link?: Link): void {
    clearTimeout(this.timer)
    if (this.current === "closed") return
    const delay = this.held ? 0 : Math.round(Math.max(this.backoff.next(), link?.wait ?? 0))
    this.change("waiting", reason, delay, link?.carrier)
    // An event may have closed the endpoint, which TypeScript cannot know.
    if (!this.held && (this.current as State) === "waiting") this.timer = setTimeout(() => this.dial(), delay)
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
