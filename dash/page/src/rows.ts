// SPDX-License-Identifier: MIT

// The rows of the tables, made of what the store has.

import { contains, type Filter, passes, transportOf } from "./graph.js"
import { type Known, pipePlace, type Store } from "./store.js"
import type { Counts, Pipe, Process, Socket } from "./wire.js"

/** socketRows are the sockets that the filter lets pass; of one process, if it is given. */
export function socketRows(store: Store, filter: Filter, instance?: string): Known[] {
  const rows: Known[] = []
  for (const known of store.sockets.values()) {
    if (instance !== undefined && known.node.instance !== instance) continue
    if (known.node.state === "up" && passes(filter, known.node, known)) rows.push(known)
  }
  return rows
}

export interface PipeRow {
  place: string
  node: Process
  socket: Socket
  pipe: Pipe
  /** The process at the other end, if it is known. */
  peer: Process | undefined
}

/** pipeRows are the connections that the filter lets pass, as each side sees them. */
export function pipeRows(store: Store, filter: Filter, instance?: string): PipeRow[] {
  const rows: PipeRow[] = []
  for (const node of store.nodes.values()) {
    if (node.state !== "up" || (instance !== undefined && node.instance !== instance)) continue
    for (const socket of node.sockets ?? []) {
      if (filter.protocols.size > 0 && !filter.protocols.has(socket.protocol)) continue
      for (const pipe of socket.pipes ?? []) {
        if (filter.transports.size > 0 && !filter.transports.has(transportOf(pipe))) continue
        const peer = pipe.peer ? store.nodes.get(pipe.peer.instance) : undefined
        const texts = [socket.name, socket.protocol, pipe.url, pipe.identity, pipe.remote, pipe.peer_protocol, peer?.name]
        if (contains(filter.text, node, ...texts)) rows.push({ place: pipePlace(node.instance, socket.id, pipe.id), node, socket, pipe, peer })
      }
    }
  }
  return rows
}

export interface Cause {
  reason: string
  send: number
  recv: number
  refused: number
  /** The sockets where it happened, that with the most first. */
  where: { known: Known; count: number }[]
}

/** causes adds up what was dropped and who was refused, by reason, that with the most first. */
export function causes(sockets: Known[]): Cause[] {
  const all = new Map<string, Cause>()
  const add = (known: Known, side: "send" | "recv" | "refused", counts: Counts | null | undefined) => {
    for (const reason in counts) {
      const count = counts[reason]!
      if (count === 0) continue
      let cause = all.get(reason)
      if (!cause) {
        cause = { reason, send: 0, recv: 0, refused: 0, where: [] }
        all.set(reason, cause)
      }
      cause[side] += count
      const place = cause.where.find((w) => w.known === known)
      if (place) place.count += count
      else cause.where.push({ known, count })
    }
  }
  for (const known of sockets) {
    add(known, "send", known.socket.dropped.send)
    add(known, "recv", known.socket.dropped.recv)
    add(known, "refused", known.socket.rejected)
  }
  for (const cause of all.values()) cause.where.sort((a, b) => b.count - a.count)
  const weight = (c: Cause) => c.send + c.recv + c.refused
  return [...all.values()].sort((a, b) => weight(b) - weight(a))
}

/** meanings explains reasons in a few words. */
export const meanings: Record<string, string> = {
  overflow: "the queue was full",
  pipe_closed: "still queued when its connection ended",
  closed: "still queued when its socket was closed",
  ttl: "came over more hops than the limit",
  no_peer: "addressed to a connection that has ended",
  stale: "a reply to a request that has ended",
  foreign: "a reply from another peer than was asked",
  unwanted: "sent by a peer that should only receive",
  conflated: "a newer message took its place",
  multipart: "has several frames, which the peer has no place for",
  too_large: "larger than the connection carries",
  not_text: "not UTF-8, on a connection for text",
  envelope: "a routing header that is missing or broken",
  stalled: "the peer left no room for a reply in time",
  budget: "the memory budget was exceeded",
  bad_header: "another protocol than Spry's",
  version: "a version that is not spoken here",
  unknown_protocol: "a protocol number that does not exist",
  role_mismatch: "a pattern that this socket does not talk to",
  oversize: "a message larger than the limit",
  timeout: "the handshake took too long",
  early_eof: "the connection ended within the handshake",
  too_many_pipes: "the listener has all the connections that it may have",
  evicted: "too many unfinished handshakes",
  refused: "the program refused the peer",
  security: "the security handshake failed",
  expired: "the peer's certificate expired",
  io: "the connection broke",
  eof: "the peer ended the connection",
  mechanism: "another security mechanism than ours",
  authentication: "credentials that are not good",
  identity: "another live peer has this name",
  peer_error: "the peer refused, and said why",
  topics: "more subscriptions than are remembered",
  attempts: "given up after several attempts",
}
