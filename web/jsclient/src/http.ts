// SPDX-License-Identifier: MIT

import { Backoff } from "./backoff.js"
import { Fifo } from "./fifo.js"
import { withWord, wordOf } from "./header.js"
import { Lines } from "./lines.js"
import { type Link, type LinkOwner, Status } from "./link.js"
import { bytesOf, cost } from "./message.js"
import type { Settings } from "./options.js"
import type { Reason } from "./socket.js"
import { EventParser, type ServerEvent } from "./sse.js"
import { bounded, Patience, sleep } from "./wait.js"

const longestWait = 300_000 // ms that a server may have this client wait
const silence = 45_000 // ms; a gateway sends something every 15 s
const mostTopics = 64 // that a gateway takes
const longestQuery = 2000
const taken = 202 // the status of a message that is queued: with another one, what answers is no gateway
const sendableId = /^[\x21-\x7e]{1,256}$/ // ids that can be a header of the next request

/** Where a reader of events is, and what it wants. It outlives its links. */
export interface Place {
  /** The id of the last event, or "". */
  id: string
  topics(): Uint8Array[]
}

/** An HttpLink reaches a gateway by requests of HTTP. */
abstract class HttpLink implements Link {
  readonly carrier = "http"
  resumed = false
  wait = 0
  isOpen = false

  protected ended = false
  private readonly running = new Set<AbortController>()

  constructor(
    readonly url: string,
    protected readonly target: string,
    protected readonly owner: LinkOwner,
    protected readonly settings: Settings,
    protected readonly place: Place,
  ) {
    queueMicrotask(() => this.ended || this.start())
  }

  /** Makes the connection, after the constructor. */
  protected abstract start(): void

  hasRoom(): boolean {
    return false
  }

  isFlushed(): boolean {
    return true
  }

  send(_frame: Uint8Array, _timeout?: number): void {}

  unsent(): number {
    return 0
  }

  rest(): Uint8Array[] {
    return []
  }

  fail(_status: number, reason: string, wait = 0): void {
    if (this.ended) return
    this.wait = jittered(wait)
    this.close()
    this.owner.linkEnded(this, reason)
  }

  close(): Promise<void> {
    this.ended = true
    for (const call of this.running) call.abort()
    return Promise.resolve()
  }

  protected opened(): void {
    this.isOpen = true
    this.owner.linkOpened(this)
  }

  /** Makes a request, and has use read the answer, whose headers have to come within timeout. The end of the link aborts it. */
  protected async request(
    call: AbortController,
    timeout: number,
    init: RequestInit,
    use: (response: Response) => unknown,
    query = "",
  ): Promise<void> {
    const timer = setTimeout(() => call.abort(new Error(`no answer within ${timeout} ms`)), bounded(timeout))
    this.running.add(call)
    try {
      // A redirect would make a GET of a POST, and the page that it leads to would count as the answer.
      const response = await this.settings.fetch(this.target + query, {
        cache: "no-store",
        redirect: "manual",
        ...init,
        signal: call.signal,
      })
      clearTimeout(timer)
      if (!this.ended) await use(response)
    } finally {
      clearTimeout(timer)
      this.running.delete(call)
      call.abort() // what nobody reads of the answer
    }
  }

  /** The answer ends the link. */
  protected failBy(response: Response): void {
    this.fail(Status.gone, statusOf(response), waitOf(response))
  }

  /** There is no answer, or no end of it. */
  protected broken(error: unknown): void {
    this.fail(Status.gone, error instanceof Error ? error.message : String(error))
  }
}

/** A PostLink sends each message as a request. */
abstract class PostLink extends HttpLink {
  private bytes = 0 // of messages that have no answer

  /** Asks whether the gateway is there. */
  protected start(): void {
    const use = (response: Response) => (response.ok ? this.opened() : this.failBy(response))
    this.request(new AbortController(), this.settings.handshakeTimeout, { method: "OPTIONS" }, use).catch((error) => this.broken(error))
  }

  override hasRoom(): boolean {
    return this.isOpen && !this.ended && this.bytes < this.settings.bufferedBytes
  }

  protected occupy(frame: Uint8Array): void {
    this.bytes += cost(frame)
  }

  protected free(frame: Uint8Array): void {
    this.bytes -= cost(frame)
    if (!this.ended) this.owner.linkHasRoom(this)
  }

  /** Sends a message, which the gateway is to handle within time. */
  protected post(
    call: AbortController,
    body: Uint8Array,
    time: number,
    limit: number,
    use: (response: Response) => unknown,
  ): Promise<void> {
    const headers: HeadersInit = time < Infinity ? { "Spry-Timeout": `${Math.ceil(time)}ms` } : {}
    return this.request(call, limit, { method: "POST", headers, body: body as Uint8Array<ArrayBuffer> }, use)
  }

  /** Waits before a message is sent again, after an answer that asks for that. */
  protected pause(call: AbortController, backoff: Backoff, response: Response): Promise<void> {
    response.body?.cancel().catch(() => {}) // others may need the connection
    return sleep(Math.max(backoff.next(), jittered(waitOf(response))), call.signal)
  }

  protected backoff(): Backoff {
    return new Backoff(this.settings.backoff.min, this.settings.backoff.max)
  }
}

// An Ask is a request or a survey that is under way.
interface Ask {
  frame: Uint8Array
  call: AbortController
}

/** An AskLink sends requests, all at once. */
class AskLink extends PostLink {
  private readonly asks = new Map<number, Ask>()
  private retired = false

  override hasRoom(): boolean {
    return !this.retired && super.hasRoom()
  }

  override send(frame: Uint8Array, timeout = Infinity): void {
    const id = wordOf(frame)!
    this.forget(id) // it is sent again
    const ask = { frame, call: new AbortController() }
    this.asks.set(id, ask)
    this.occupy(frame)
    this.run(id, ask, timeout).catch((error) => {
      if (this.asks.get(id) === ask) this.broken(error)
    })
  }

  forget(id: number): void {
    const ask = this.asks.get(id)
    if (!ask) return
    this.asks.delete(id)
    ask.call.abort()
    this.free(ask.frame)
    this.endIfRetired()
  }

  retire(swap: (rest: Uint8Array[]) => boolean): void {
    if (!swap([])) return
    this.retired = true
    this.endIfRetired()
  }

  private endIfRetired(): void {
    if (this.retired && this.asks.size === 0) this.fail(Status.normal, "")
  }

  private async run(id: number, ask: Ask, timeout: number): Promise<void> {
    const backoff = this.backoff()
    while (this.asks.get(id) === ask && !this.ended) {
      ask.call = new AbortController()
      // The socket forgets what takes too long.
      await this.post(ask.call, ask.frame.subarray(4), timeout, Infinity, async (response) => {
        if (this.asks.get(id) !== ask) return
        if (response.ok) {
          await this.read(id, response)
          this.forget(id)
        } else if (this.isLater(response.status)) {
          await this.pause(ask.call, backoff, response)
        } else {
          this.refuse(id, response)
        }
      })
    }
  }

  /** Receives the answers. */
  protected async read(id: number, response: Response): Promise<void> {
    const { maxMessageSize } = this.settings
    const body = await whole(response, maxMessageSize)
    if (this.ended || !this.asks.has(id)) return
    if (body) {
      this.owner.linkReceived(this, withWord(id, body))
    } else {
      this.owner.linkRefused(this, id, `the reply is larger than maxMessageSize, ${maxMessageSize} bytes`)
    }
  }

  /** Whether the message is to be sent again after an answer with this status. */
  protected isLater(status: number): boolean {
    return isBusy(status) || status === 504
  }

  /** The gateway will not answer this message. */
  protected refuse(id: number, response: Response): void {
    if (isOfMessage(response.status)) {
      this.owner.linkRefused(this, id, statusOf(response))
      this.forget(id)
    } else {
      this.failBy(response)
    }
  }
}

/** A SurveyLink sends surveys, whose answers come as lines of JSON. */
class SurveyLink extends AskLink {
  protected override async read(id: number, response: Response): Promise<void> {
    const lines = new Lines(charactersOf(this.settings))
    for await (const chunk of chunksOf(response)) {
      for (const line of lines.push(chunk)) {
        if (this.ended) return
        const body = bodyOf(line)
        if (typeof body === "string") {
          this.owner.linkDropped(this, body)
        } else {
          this.owner.linkReceived(this, withWord(id, body))
        }
      }
      if (lines.overflow) {
        this.owner.linkDropped(this, "too_large")
        return
      }
    }
  }

  protected override isLater(): boolean {
    return false
  }

  protected override refuse(id: number, response: Response): void {
    const { status } = response
    if (isBusy(status) || isOfMessage(status)) {
      if (isOfMessage(status)) this.owner.linkDropped(this, "too_large")
      this.forget(id) // nobody answers
    } else {
      this.failBy(response)
    }
  }
}

/** A SendLink sends messages, one after the other. */
class SendLink extends PostLink {
  private readonly queue = new Fifo<Uint8Array>()
  private current: Uint8Array | undefined // the gateway may have it
  private back: Uint8Array | undefined // the next one, which the gateway has not taken
  private call = new AbortController()
  private busy = false
  private swap: ((rest: Uint8Array[]) => boolean) | undefined

  override isFlushed(): boolean {
    return !this.busy || this.ended
  }

  override send(frame: Uint8Array): void {
    this.queue.push(new Uint8Array(frame))
    this.occupy(frame)
    if (!this.busy) this.pump()
  }

  override unsent(): number {
    return this.current ? 1 : 0
  }

  override rest(): Uint8Array[] {
    const rest = this.back ? [this.back] : []
    this.back = undefined
    for (let frame = this.queue.shift(); frame; frame = this.queue.shift()) rest.push(frame)
    return rest
  }

  retire(swap: (rest: Uint8Array[]) => boolean): void {
    this.swap = swap
    if (!this.busy) {
      this.pump()
    } else if (this.back) {
      this.call.abort() // it only waits
    }
  }

  private async pump(): Promise<void> {
    this.busy = true
    const backoff = this.backoff()
    const { stallTimeout } = this.settings
    try {
      while (!this.ended && !this.hasSwapped()) {
        const frame = this.back ?? this.queue.shift()
        if (!frame) break
        this.current = frame
        this.back = undefined
        this.call = new AbortController()
        // The gateway is to give up first, because then it says that it has not taken the message.
        await this.post(this.call, frame, stallTimeout / 2, stallTimeout, async (response) => {
          const { status } = response
          if (isBusy(status)) {
            this.giveBack()
            await this.pause(this.call, backoff, response)
          } else if (status === taken || isOfMessage(status)) {
            if (status !== taken) this.owner.linkDropped(this, "too_large")
            backoff.reset()
            this.current = undefined
            this.free(frame)
          } else {
            if (status < 500) this.giveBack()
            this.failBy(response)
          }
        })
      }
    } catch (error) {
      this.broken(error)
    }
    this.busy = false
  }

  private giveBack(): void {
    this.back = this.current
    this.current = undefined
  }

  /** Whether another link has taken the place of this one, which it can between two messages. */
  private hasSwapped(): boolean {
    const { swap } = this
    this.swap = undefined
    if (!swap) return false
    const rest = this.rest()
    if (swap(rest)) {
      this.fail(Status.normal, "")
      return true
    }
    for (const frame of rest) this.queue.push(frame)
    return false
  }
}

/** An EventsLink reads the events of a gateway. */
class EventsLink extends HttpLink {
  private call = new AbortController()
  private query = ""
  private moved = false

  protected async start(): Promise<void> {
    while (!this.ended) {
      this.call = new AbortController()
      this.moved = false
      this.query = this.wanted()
      this.resumed = this.place.id !== ""
      const headers: Record<string, string> = { Accept: "text/event-stream" }
      if (this.resumed) headers["Last-Event-ID"] = this.place.id
      try {
        await this.request(this.call, this.settings.handshakeTimeout, { headers }, (r) => this.read(r), this.query)
      } catch (error) {
        if (!this.moved) this.broken(error)
      }
    }
  }

  /** Asks for the stream again, from its place, if the topics are others than those that were asked for. */
  refresh(): void {
    if (this.wanted() === this.query) return
    this.moved = true
    this.call.abort()
  }

  /** The parameters for the topics: none if they are too many, because the socket looks at them too. */
  private wanted(): string {
    const topics = this.place.topics()
    const text = topics.map((topic) => `topic=${Array.from(topic, (byte) => `%${(byte + 256).toString(16).slice(1)}`).join("")}`).join("&")
    if (text === "" || topics.length > mostTopics || text.length > longestQuery) return ""
    return (this.target.includes("?") ? "&" : "?") + text
  }

  private async read(response: Response): Promise<void> {
    if (!response.ok || !response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
      this.failBy(response)
      return
    }
    const patience = new Patience(this.settings.idleTimeout || silence, () => this.fail(Status.gone, "the gateway sends nothing"))
    try {
      if (!this.isOpen) this.opened()
      await this.follow(response, patience)
    } finally {
      patience.stop()
    }
  }

  private async follow(response: Response, patience: Patience): Promise<void> {
    const parser = new EventParser(charactersOf(this.settings))
    for await (const chunk of chunksOf(response)) {
      patience.renew()
      for (const event of parser.push(chunk)) {
        if (this.ended || this.moved) return
        this.take(event)
      }
      if (parser.overflow) {
        this.remember(parser.id) // or it would come again
        this.tooLarge()
      }
    }
    this.fail(Status.gone, "the gateway has ended the events", Math.min(parser.retry, longestWait))
  }

  private take(event: ServerEvent): void {
    this.remember(event.id)
    if (event.data === undefined) return
    if (event.type === "gap") {
      this.owner.linkMissed(this, missedOf(event.data))
      return
    }
    const body = bodyOf(event.data)
    if (typeof body === "string") {
      this.owner.linkDropped(this, body)
    } else if (body.length > this.settings.maxMessageSize) {
      this.tooLarge()
    } else {
      this.owner.linkReceived(this, body)
    }
  }

  private remember(id: string): void {
    this.place.id = sendableId.test(id) ? id : ""
  }

  private tooLarge(): void {
    this.fail(Status.oversize, `a message of more than maxMessageSize, ${this.settings.maxMessageSize} bytes`)
  }
}

/** The kinds of links to a gateway, by the protocol of the peer. Other peers need connections in both directions. */
export const gatewayLinks: Record<string, new (url: string, target: string, owner: LinkOwner, settings: Settings, place: Place) => Link> = {
  rep: AskLink,
  respondent: SurveyLink,
  pull: SendLink,
  sub: SendLink,
  pub: EventsLink,
  push: EventsLink,
}

/** Whether a gateway has not taken a message, and may take it later. */
function isBusy(status: number): boolean {
  return status === 408 || status === 429 || status === 503
}

/** Whether a message is at fault, and not the request. */
function isOfMessage(status: number): boolean {
  return status === 400 || status === 413 || status === 415 || status === 422
}

function statusOf(response: Response): string {
  if (response.type === "opaqueredirect") return "the gateway redirects"
  return `the gateway answers ${response.status} ${response.statusText}`
}

/** How long the answer says to wait, in milliseconds. */
function waitOf(response: Response): number {
  const value = response.headers.get("Retry-After") ?? ""
  const wait = /^[0-9]+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return wait > 0 ? Math.min(wait, longestWait) : 0
}

/** A wait that clients which were sent away together do not end together. */
function jittered(wait: number): number {
  return wait * (1 + Math.random() / 4)
}

/** How many characters the object of a message may have: six for a byte that is a control character. */
function charactersOf(settings: Settings): number {
  return 6 * settings.maxMessageSize + 1000
}

/** The body of a message that a gateway has written as JSON, or why there is none. */
function bodyOf(json: string): Uint8Array | Reason {
  try {
    const { body, body_base64: base64, frames } = JSON.parse(json)
    if (typeof body === "string") return bytesOf(body)
    if (typeof base64 === "string") return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
    if (Array.isArray(frames)) return "multipart"
  } catch {} // it is no such object
  return "envelope"
}

/** How many events the data of a gap says that are missing; 0 if it does not. */
function missedOf(json: string): number {
  try {
    return Number(JSON.parse(json).missed) || 0
  } catch {
    return 0
  }
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  for (let part = await reader?.read(); part?.value; part = await reader?.read()) yield part.value
}

/** The body of an answer, or undefined if it is larger than the limit. */
async function whole(response: Response, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunksOf(response)) {
    chunks.push(chunk)
    size += chunk.length
    if (size > limit) return undefined
  }
  const body = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
  }
  return body
}
