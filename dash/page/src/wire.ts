// SPDX-License-Identifier: MIT

// What the server publishes: a topic, a line feed, and JSON. Durations are nanoseconds, times are RFC 3339, and rates are per second.

/** Counts by reason. */
export type Counts = Record<string, number>

export interface Peer {
  instance: string
  socket: number
  pipe: number
}

export interface Queue {
  queued: number
  limit: number
  bytes: number
  limit_bytes: number
}

export interface TLS {
  version: string
  cipher?: string
  not_after?: string
}

export interface Pipe {
  id: number
  url: string
  transport: string
  dialect?: string
  tls?: TLS | null
  local?: string
  remote?: string
  identity?: string
  peer_protocol?: string
  since?: string
  peer: Peer | null
  sent: number
  delivered: number
  rates: { sent: number; delivered: number; send_bytes: number; recv_bytes: number }
  send: Queue
  recv: Queue
  rtt?: { p50_ns: number; p99_ns: number; count: number } | null
  dropped?: Counts | null
}

export interface Endpoint {
  url: string
  listening: boolean
  state: string
  pipes: number
  next_attempt?: string
  last_error?: string
  failed?: Counts | null
  rejected?: Counts | null
  redials?: number
}

export interface Socket {
  id: number
  protocol: string
  name: string
  totals: { sent: number; delivered: number; send_bytes: number; recv_bytes: number; offered: number; arrived: number }
  rates: { sent: number; delivered: number; send_bytes: number; recv_bytes: number; dropped: number }
  queued: { send: number; send_bytes: number; recv: number; recv_bytes: number; oldest_ns: number }
  blocked: number
  dropped: { send?: Counts | null; recv?: Counts | null }
  rejected?: Counts | null
  pending: number
  endpoints: Endpoint[] | null
  pipes: Pipe[] | null
}

/** A process, under the topics "node/" and "gone". Of one that is removed, nothing but the instance is there. */
export interface Process {
  instance: string
  name: string
  host: string
  pid: number
  url?: string
  state: "up" | "gone" | "unreachable" | "removed"
  since?: string
  error?: string
  process?: { goroutines: number; heap_bytes: number; max_procs: number; go: string; spry: string; started?: string } | null
  sockets: Socket[] | null
  /** Sockets, endpoints and pipes that are left out because there are too many. */
  left?: number
}

/** An event of a socket, under the topics "event/". */
export interface Happening {
  instance: string
  time: string
  socket: number
  name?: string
  protocol?: string
  kind: string
  endpoint?: string
  pipe?: number
  remote?: string
  reason?: string
  count?: number
  wait_ns?: number
  error?: string
  missed?: number
}

/** The heartbeat of the server, under the topic "dash". */
export interface Heartbeat {
  at: string
  nodes: number
  started?: string
  version?: string
  tap?: boolean
}
