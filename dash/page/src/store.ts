// SPDX-License-Identifier: MIT

import { Ring } from "./ring.js"
import type { Counts, Endpoint, Happening, Heartbeat, Peer, Pipe, Process, Queue, Socket } from "./wire.js"

/** Seconds for which a socket's rates are kept, and those of all together. */
export const socketSeconds = 120
export const totalSeconds = 600

const keptEvents = 2000

/** How long what has dropped messages counts as dropping, in milliseconds. */
const dropShown = 5000

/** A place names a socket or a pipe in all processes. */
export const socketPlace = (instance: string, socket: number) => `${instance}/${socket}`
export const pipePlace = (instance: string, socket: number, pipe: number) => `${instance}/${socket}/${pipe}`

/** A Known is what is remembered of a socket from message to message. */
export interface Known {
  place: string
  node: Process
  socket: Socket
  sent: Ring
  delivered: Ring
  /** How full its queues were at most, of the snapshots that came. */
  high: Record<Side, number>
  /** Until when it counts as dropping. */
  dropping: number
}

/** An Event has a number of its own. */
export interface Seen extends Happening {
  seq: number
}

/** Rates of everything, per second. */
export interface Totals {
  nodes: number
  sockets: number
  pipes: number
  sent: number
  delivered: number
  sendBytes: number
  recvBytes: number
  dropped: number
}

/** The Store merges the messages of the server. What it has may be read until the next message. */
export class Store {
  /** By instance. */
  readonly nodes = new Map<string, Process>()
  /** By place. */
  readonly sockets = new Map<string, Known>()
  /** The latest events, in the order of their times. */
  readonly events: Seen[] = []
  heartbeat: Heartbeat | undefined
  /** The server's clock is so many milliseconds ahead of ours. */
  ahead = 0
  readonly history = {
    at: new Ring(totalSeconds),
    sent: new Ring(totalSeconds),
    delivered: new Ring(totalSeconds),
    sendBytes: new Ring(totalSeconds),
    recvBytes: new Ring(totalSeconds),
    dropped: new Ring(totalSeconds),
  }

  private readonly pipeDrops = new Map<string, { count: number; until: number }>()
  private readonly formerPeers = new Map<string, Peer>() // of dialers, by socket and URL
  private readonly texts = new Set<string>() // of the events, which come again with a new connection
  private readonly began = Date.now()
  private seq = 0
  private stale = new Set<string>()
  private beats = 0

  /** Takes a message: its topic, and its JSON as text. now is the time in milliseconds. */
  merge(topic: string, text: string, now: number): void {
    if (topic.startsWith("event/")) {
      if (!this.texts.has(text)) this.addEvent(text)
    } else if (topic === "dash") {
      this.beat(JSON.parse(text), now)
    } else {
      this.addNode(JSON.parse(text), now)
    }
  }

  /** The connection to the server is a new one: what is not told again soon is not there any more. */
  reconnected(): void {
    this.stale = new Set(this.nodes.keys())
    this.beats = 0
  }

  /** The time of the server. */
  clock(now: number): number {
    return now + this.ahead
  }

  /** Whether a pipe has dropped messages lately. */
  isDropping(place: string, now: number): boolean {
    return (this.pipeDrops.get(place)?.until ?? 0) > now
  }

  /** To which socket a dialer was connected last. */
  formerPeer(place: string, url: string): Peer | undefined {
    return this.formerPeers.get(`${place} ${url}`)
  }

  totals(): Totals {
    const t: Totals = { nodes: 0, sockets: 0, pipes: 0, sent: 0, delivered: 0, sendBytes: 0, recvBytes: 0, dropped: 0 }
    for (const node of this.nodes.values()) {
      if (node.state !== "up") continue
      t.nodes++
      for (const s of node.sockets ?? []) {
        t.sockets++
        t.pipes += s.pipes?.length ?? 0
        t.sent += s.rates.sent
        t.delivered += s.rates.delivered
        t.sendBytes += s.rates.send_bytes
        t.recvBytes += s.rates.recv_bytes
        t.dropped += s.rates.dropped
      }
    }
    return t
  }

  private beat(heartbeat: Heartbeat, now: number): void {
    this.heartbeat = heartbeat
    const at = Date.parse(heartbeat.at)
    if (!Number.isNaN(at)) this.ahead = at - now
    const t = this.totals()
    const { history } = this
    history.at.push(Math.round((now - this.began) / 1000))
    history.sent.push(t.sent)
    history.delivered.push(t.delivered)
    history.sendBytes.push(t.sendBytes)
    history.recvBytes.push(t.recvBytes)
    history.dropped.push(t.dropped)
    if (this.stale.size > 0 && ++this.beats === 3) {
      for (const instance of this.stale) this.remove(instance)
      this.stale.clear()
    }
  }

  private addNode(node: Process, now: number): void {
    this.stale.delete(node.instance)
    if (node.state === "removed") {
      this.remove(node.instance)
      return
    }
    const before = this.nodes.get(node.instance)
    if (node.state !== "up" && before) node = { ...before, ...node, sockets: node.sockets ?? before.sockets }
    if (node.state !== "up") keepPeers(node, before)
    node.name ||= node.url ?? node.instance // of a process that has never answered
    this.nodes.set(node.instance, node)
    const alive = new Set<string>()
    for (const socket of node.sockets ?? []) {
      const place = socketPlace(node.instance, socket.id)
      alive.add(place)
      this.addSocket(place, node, socket, now)
    }
    for (const socket of before?.sockets ?? []) {
      const place = socketPlace(node.instance, socket.id)
      if (!alive.has(place)) this.forgetSocket(place, socket)
    }
  }

  private addSocket(place: string, node: Process, socket: Socket, now: number): void {
    let known = this.sockets.get(place)
    if (!known) {
      const [sent, delivered] = [new Ring(socketSeconds), new Ring(socketSeconds)]
      known = { place, node, socket, sent, delivered, high: { send: 0, recv: 0 }, dropping: 0 }
      this.sockets.set(place, known)
    }
    const grew = dropsOf(socket) > dropsOf(known.socket)
    const before = known.socket
    known.node = node
    known.socket = socket
    if (node.state === "up") {
      known.sent.push(socket.rates.sent)
      known.delivered.push(socket.rates.delivered)
    }
    for (const side of ["send", "recv"] as const) known.high[side] = Math.max(known.high[side], fillOf(socket, side).share)
    if (grew) known.dropping = now + dropShown
    const pipes = new Set<number>()
    for (const pipe of socket.pipes ?? []) {
      pipes.add(pipe.id)
      this.addPipe(place, pipe, now)
      if (pipe.peer) this.formerPeers.set(`${place} ${pipe.url}`, pipe.peer)
    }
    if (before !== socket) for (const { id } of before.pipes ?? []) if (!pipes.has(id)) this.pipeDrops.delete(`${place}/${id}`)
  }

  private addPipe(place: string, pipe: Pipe, now: number): void {
    const count = sum(pipe.dropped)
    if (count === 0) return
    const key = `${place}/${pipe.id}`
    const before = this.pipeDrops.get(key)
    if (!before) {
      this.pipeDrops.set(key, { count, until: 0 }) // when it dropped them is unknown
    } else if (count > before.count) {
      this.pipeDrops.set(key, { count, until: now + dropShown })
    }
  }

  private forgetSocket(place: string, socket: Socket): void {
    this.sockets.delete(place)
    for (const { id } of socket.pipes ?? []) this.pipeDrops.delete(`${place}/${id}`)
    for (const { url } of socket.endpoints ?? []) this.formerPeers.delete(`${place} ${url}`)
  }

  private remove(instance: string): void {
    for (const socket of this.nodes.get(instance)?.sockets ?? []) this.forgetSocket(socketPlace(instance, socket.id), socket)
    this.nodes.delete(instance)
  }

  private addEvent(text: string): void {
    const event: Seen = { ...(JSON.parse(text) as Happening), seq: ++this.seq }
    this.texts.add(text)
    let at = this.events.length // mostly they come in order
    while (at > 0 && this.events[at - 1]!.time > event.time) at--
    this.events.splice(at, 0, event)
    if (this.events.length > keptEvents) this.events.shift()
    if (this.texts.size > 2 * keptEvents) for (const old of this.texts) if (this.texts.delete(old) && this.texts.size <= keptEvents) break
  }
}

/** keepPeers has the pipes of a process that does not answer lead to where they did, as the server no longer knows. */
function keepPeers(node: Process, before: Process | undefined): void {
  const peers = new Map<string, Peer>()
  for (const s of before?.sockets ?? []) for (const p of s.pipes ?? []) if (p.peer) peers.set(`${s.id}/${p.id}`, p.peer)
  for (const s of node.sockets ?? []) for (const p of s.pipes ?? []) p.peer ??= peers.get(`${s.id}/${p.id}`) ?? null
}

/** sum adds counts. */
export function sum(counts: Counts | null | undefined): number {
  let n = 0
  for (const reason in counts) n += counts[reason]!
  return n
}

/** dropsOf returns how many messages a socket has dropped. */
export function dropsOf(socket: Socket): number {
  return sum(socket.dropped.send) + sum(socket.dropped.recv)
}

export type Side = "send" | "recv"

/** fillOf tells how many messages the queues of one side have and may have, and how full the fullest is, from 0 to 1. */
export function fillOf(socket: Socket, side: Side): { queued: number; limit: number; share: number } {
  let [limit, share] = [0, 0]
  for (const pipe of socket.pipes ?? []) {
    limit += pipe[side].limit
    share = Math.max(share, shareOf(pipe[side]))
  }
  return { queued: socket.queued[side], limit, share }
}

/** shareOf is how full a queue is, by messages or by bytes, whichever is nearer to its limit. */
function shareOf(q: Queue): number {
  return Math.min(1, Math.max(q.limit > 0 ? q.queued / q.limit : 0, q.limit_bytes > 0 ? q.bytes / q.limit_bytes : 0))
}

/** fullnessOf is how full the fuller of the two queues of a pipe is. */
export function fullnessOf(pipe: Pipe): number {
  return Math.max(shareOf(pipe.send), shareOf(pipe.recv))
}

/** isTrying reports whether an endpoint is a dialer without a connection. */
export function isTrying(e: Endpoint): boolean {
  return !e.listening && e.pipes === 0 && (e.state === "connecting" || e.state === "waiting")
}
