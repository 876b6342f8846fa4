// SPDX-License-Identifier: MIT

// The graph of all processes: which discs and lines there are to see. Where they are is the layout's matter.

import { fullnessOf, isTrying, type Known, pipePlace, type Store, socketPlace } from "./store.js"
import type { Pipe, Process } from "./wire.js"

/** A Port is a socket on the rim of its process. */
export interface Port {
  id: string
  protocol: string
  name: string
  /** How full its fullest queue is, from 0 to 1. */
  full: number
  dropping: boolean
}

/**
 * A Disc is a process, several of them as a group, or what is beyond: the peers of an address of which no process is known.
 */
export interface Disc {
  id: string
  kind: "process" | "group" | "beyond"
  label: string
  detail: string
  host: string
  state: "up" | "gone" | "unreachable"
  ports: Port[]
  /** How many processes it is. */
  count: number
  radius: number
  /** It is here because of a neighbour that the filter lets pass. */
  dim: boolean
  dropping: boolean
}

/** A Line is a pipe, or the pipes between two groups over one transport. */
export interface Line {
  id: string
  from: string
  fromPort: string
  to: string
  toPort: string
  transport: string
  /** "waiting" is a dialer without a connection; "past" a pipe of a process that has gone. */
  state: "live" | "waiting" | "past"
  /** Messages per second, in both directions. */
  forth: number
  back: number
  dropping: boolean
  /** When the next attempt is, in milliseconds. */
  next: number
  pipes: number
  /** Its number among the lines between the same discs, and how many those are. */
  lane: number
  lanes: number
}

export interface Graph {
  discs: Disc[]
  lines: Line[]
}

export interface Filter {
  /** What a name, host, protocol, URL or identity has to contain. */
  text: string
  /** Empty for all. */
  protocols: ReadonlySet<string>
  transports: ReadonlySet<string>
}

/** By what processes are grouped. "auto" is "none" up to some number of them. */
export type Grouping = "auto" | "none" | "host" | "name"

/** From how many processes on "auto" groups them. */
export const manyProcesses = 200

/** groupingOf decides what "auto" means: by hosts, or by the names of programs if all are on few hosts. */
export function groupingOf(grouping: Grouping, nodes: Iterable<Process>): Exclude<Grouping, "auto"> {
  if (grouping !== "auto") return grouping
  let n = 0
  const hosts = new Set<string>()
  for (const node of nodes) {
    n++
    hosts.add(node.host)
  }
  if (n <= manyProcesses) return "none"
  return hosts.size > 4 ? "host" : "name"
}

/** passes reports whether the filter lets a socket pass. */
export function passes(f: Filter, node: Process, known: Known): boolean {
  const { socket } = known
  if (f.protocols.size > 0 && !f.protocols.has(socket.protocol)) return false
  const transports = f.transports
  if (
    transports.size > 0 &&
    ![...(socket.pipes ?? []).map(transportOf), ...(socket.endpoints ?? []).map((e) => schemeOf(e.url))].some((t) => transports.has(t))
  )
    return false
  return contains(f.text, node, socket.name, socket.protocol, ...(socket.endpoints ?? []).map((e) => e.url))
}

/** contains reports whether a process, or one of the texts, contains the text. */
export function contains(text: string, node: Process | undefined, ...texts: (string | undefined)[]): boolean {
  if (text === "") return true
  const wanted = text.toLowerCase()
  for (const t of texts) if (t?.toLowerCase().includes(wanted)) return true
  return !!node && `${node.name} ${node.host} ${node.pid} ${node.instance}`.toLowerCase().includes(wanted)
}

/** schemeOf returns the transport of a URL: "tls+tcp". */
export function schemeOf(url: string): string {
  return (url.match(/^([a-z0-9+.-]+):/i)?.[1] ?? "other").replace(/^(sp|zmtp)\+/, "")
}

/** transportOf is the transport of a pipe, which with TLS is another one to people. */
export function transportOf(pipe: Pipe): string {
  const transport = pipe.transport || schemeOf(pipe.url)
  if (!pipe.tls) return transport
  return { tcp: "tls+tcp", ws: "wss" }[transport] ?? transport
}

const up = (node: Process) => (node.state === "removed" ? "gone" : node.state)

/** graphOf makes the graph of what the store knows. open are the groups that are shown as their processes. now is in milliseconds. */
export function graphOf(store: Store, filter: Filter, grouping: Grouping, open: ReadonlySet<string>, now: number): Graph {
  const by = groupingOf(grouping, store.nodes.values())
  const all = filter.text === "" && filter.protocols.size === 0 && filter.transports.size === 0
  const groupOf = (node: Process) => {
    if (by === "none") return ""
    const group = `${by}:${by === "host" ? node.host : node.name}`
    return open.has(group) ? "" : group
  }

  const discs = new Map<string, Disc>()
  const discOf = new Map<string, Disc>() // by instance
  const chosen = new Set<string>() // instances
  for (const node of store.nodes.values()) {
    const ports: Port[] = []
    let matches = all
    let dropping = false
    for (const socket of node.sockets ?? []) {
      const known = store.sockets.get(socketPlace(node.instance, socket.id))
      if (!known) continue
      const passed = all || passes(filter, node, known)
      matches ||= passed
      let full = 0
      for (const pipe of socket.pipes ?? []) full = Math.max(full, fullnessOf(pipe))
      const drops = known.dropping > now
      dropping ||= drops
      ports.push({ id: known.place, protocol: socket.protocol, name: socket.name, full, dropping: drops })
    }
    if (!matches && !node.sockets?.length) matches = filter.protocols.size + filter.transports.size === 0 && contains(filter.text, node)
    if (matches) chosen.add(node.instance)
    const group = groupOf(node)
    let disc = discs.get(group)
    if (group === "") {
      const { instance: id, name: label, host } = node
      const detail = `${host} · ${node.pid}`
      disc = {
        id,
        kind: "process",
        label,
        detail,
        host,
        state: up(node),
        ports,
        count: 1,
        radius: radiusOf(ports.length, label),
        dim: !matches,
        dropping,
      }
      discs.set(id, disc)
    } else if (disc) {
      disc.count++
      disc.dim &&= !matches
      disc.dropping ||= dropping
      if (node.state === "up") disc.state = "up"
    } else {
      const label = by === "host" ? node.host : node.name
      disc = {
        id: group,
        kind: "group",
        label,
        detail: "",
        host: node.host,
        state: up(node),
        ports: [],
        count: 1,
        radius: 0,
        dim: !matches,
        dropping,
      }
      discs.set(group, disc)
    }
    discOf.set(node.instance, disc)
  }
  for (const disc of discs.values()) {
    if (disc.kind !== "group") continue
    disc.detail = `${disc.count} processes`
    disc.radius = 24 + 6 * Math.sqrt(disc.count)
  }

  const lines = new Map<string, Line>()
  const trying = new Set<string>() // pairs of sockets that are to be connected again
  const transports = filter.transports
  const passing = (a: string, b: string, transport: string) => (chosen.has(a) || chosen.has(b)) && (transports.size === 0 || transports.has(transport))
  const add = (line: Omit<Line, "lane" | "lanes">): void => {
    const grouped = discs.get(line.from)?.kind === "group" || discs.get(line.to)?.kind === "group"
    if (!grouped) {
      lines.set(line.id, { ...line, lane: 0, lanes: 1 })
      return
    }
    if (line.from === line.to) return
    const [from, to, forth, back] = line.from < line.to ? [line.from, line.to, line.forth, line.back] : [line.to, line.from, line.back, line.forth]
    const id = `${from} ${to} ${line.transport} ${line.state}`
    const sum = lines.get(id)
    if (sum) {
      sum.forth += forth
      sum.back += back
      sum.dropping ||= line.dropping
      sum.pipes++
    } else {
      lines.set(id, { ...line, id, from, to, fromPort: "", toPort: "", forth, back, lane: 0, lanes: 1 })
    }
  }

  const live = new Set<string>() // the ends that a living process has told of
  const later: (() => void)[] = []
  for (const node of store.nodes.values()) {
    const { instance } = node
    const own = discOf.get(instance)!
    for (const socket of node.sockets ?? []) {
      const place = socketPlace(instance, socket.id)
      for (const pipe of socket.pipes ?? []) {
        const transport = transportOf(pipe)
        const here = pipePlace(instance, socket.id, pipe.id)
        const { peer } = pipe
        const there = peer && pipePlace(peer.instance, peer.socket, peer.pipe)
        const other = peer && discOf.get(peer.instance)
        if (node.state !== "up") {
          // What it had is past, unless the other side tells of it.
          if (other && passing(instance, peer.instance, transport)) {
            later.push(() => {
              const toPort = socketPlace(peer.instance, peer.socket)
              if (live.has(here) || live.has(there!) || lines.has(there!) || trying.has(`${place} ${toPort}`)) return
              add({
                id: here,
                from: own.id,
                fromPort: place,
                to: other.id,
                toPort,
                transport,
                state: "past",
                forth: 0,
                back: 0,
                dropping: false,
                next: 0,
                pipes: 1,
              })
            })
          }
          continue
        }
        live.add(here)
        const dropping = store.isDropping(here, now)
        if (there && live.has(there)) {
          const line = lines.get(there) // the other side has told of it
          if (line) {
            line.back = pipe.rates.sent
            line.dropping ||= dropping
          }
          continue
        }
        if (!passing(instance, peer?.instance ?? "", transport)) continue
        const target = other ?? beyond(discs, node, pipe)
        add({
          id: here,
          from: own.id,
          fromPort: place,
          to: target.id,
          toPort: other ? socketPlace(peer.instance, peer.socket) : "",
          transport,
          state: "live",
          forth: pipe.rates.sent,
          back: pipe.rates.delivered,
          dropping,
          next: 0,
          pipes: 1,
        })
      }
      if (node.state !== "up") continue
      for (const endpoint of socket.endpoints ?? []) {
        if (!isTrying(endpoint)) continue
        const transport = schemeOf(endpoint.url)
        const peer = store.formerPeer(place, endpoint.url) ?? listenerOf(store, node, endpoint.url)
        const other = peer && discOf.get(peer.instance)
        if (!passing(instance, peer?.instance ?? "", transport)) continue
        const target = other ?? nowhere(discs, node, endpoint.url)
        const toPort = other ? socketPlace(peer.instance, peer.socket) : ""
        trying.add(`${toPort} ${place}`)
        add({
          id: `${place} ${endpoint.url}`,
          from: own.id,
          fromPort: place,
          to: target.id,
          toPort,
          transport,
          state: "waiting",
          forth: 0,
          back: 0,
          dropping: false,
          next: Date.parse(endpoint.next_attempt ?? "") || 0,
          pipes: 1,
        })
      }
    }
  }
  for (const one of later) one()
  return finish(discs, lines, all)
}

/** finish leaves out the discs that neither the filter nor a line calls for, and gives each line its lane. */
function finish(discs: Map<string, Disc>, lines: Map<string, Line>, all: boolean): Graph {
  const near = new Set<string>()
  const between = new Map<string, Line[]>()
  for (const line of lines.values()) {
    near.add(line.from).add(line.to)
    const pair = line.from < line.to ? `${line.from} ${line.to}` : `${line.to} ${line.from}`
    const others = between.get(pair)
    if (others) others.push(line)
    else between.set(pair, [line])
  }
  for (const others of between.values()) {
    others.forEach((line, i) => {
      line.lane = i
      line.lanes = others.length
    })
  }
  return { discs: [...discs.values()].filter((d) => all || !d.dim || near.has(d.id)), lines: [...lines.values()] }
}

/** A disc has room for its ports on the rim and for its name inside. */
const radiusOf = (ports: number, label: string) => Math.max(26 + 2 * Math.min(ports, 16), 13 + 3.9 * Math.min(label.length, 13))

function addBeyond(discs: Map<string, Disc>, id: string, label: string, detail: string, host: string): Disc {
  const known = discs.get(id)
  if (known) return known
  const disc: Disc = { id, kind: "beyond", label, detail, host, state: "up", ports: [], count: 1, radius: 18, dim: false, dropping: false }
  discs.set(id, disc)
  return disc
}

/** beyond is the disc for a peer that is no known process. */
function beyond(discs: Map<string, Disc>, node: Process, pipe: Pipe): Disc {
  const address = pipe.remote?.match(/^\[?([^/\]]+?)\]?:\d+$/)?.[1]
  const label = address ?? transportOf(pipe)
  return addBeyond(discs, `beyond:${node.host}:${address ?? `${node.instance}:${pipe.transport}`}`, label, "not observed", node.host)
}

/** nowhere is the disc for an address at which nobody has answered. */
function nowhere(discs: Map<string, Disc>, node: Process, url: string): Disc {
  return addBeyond(discs, `nowhere:${node.host}:${url}`, url.replace(/^[^:]+:\/\//, ""), "no answer", node.host)
}

/** listenerOf finds the socket that listens at a URL, on the same host. */
function listenerOf(store: Store, from: Process, url: string): { instance: string; socket: number } | undefined {
  for (const node of store.nodes.values()) {
    if (node.host !== from.host) continue
    for (const s of node.sockets ?? []) if (s.endpoints?.some((e) => e.listening && e.url === url)) return { instance: node.instance, socket: s.id }
  }
  return undefined
}
