// SPDX-License-Identifier: MIT

// Processes, sockets and pipes of which tests say only what matters.

import type { Filter } from "../src/graph.js"
import type { Pipe, Process, Queue, Socket } from "../src/wire.js"

/** A filter that lets everything pass. */
export const nothing: Filter = { text: "", protocols: new Set(), transports: new Set() }

type Some<T> = { [K in keyof T]?: T[K] extends object | null | undefined ? any : T[K] }

const queue: Queue = { queued: 0, limit: 10, bytes: 0, limit_bytes: 0 }
const rates = { sent: 0, delivered: 0, send_bytes: 0, recv_bytes: 0, dropped: 0 }

export function pipe(id: number, some: Some<Pipe>): Pipe {
  const all: Pipe = { id, url: "tcp://127.0.0.1:1", transport: "tcp", peer: null, sent: 0, delivered: 0, rates, send: queue, recv: queue }
  return { ...all, ...some, rates: { ...rates, ...some.rates } }
}

export function socket(id: number, protocol: string, some: Some<Socket> = {}): Socket {
  return {
    id,
    protocol,
    name: "",
    totals: { sent: 0, delivered: 0, send_bytes: 0, recv_bytes: 0, offered: 0, arrived: 0 },
    blocked: 0,
    dropped: {},
    pending: 0,
    endpoints: null,
    pipes: null,
    ...some,
    rates: { ...rates, ...some.rates },
    queued: { send: 0, send_bytes: 0, recv: 0, recv_bytes: 0, oldest_ns: 0, ...some.queued },
  }
}

export function node(instance: string, sockets: Socket[], some: Some<Process> = {}): Process {
  return { instance, name: instance, host: "host", pid: 1, state: "up", sockets, ...some }
}
