// SPDX-License-Identifier: MIT

import assert from "node:assert/strict"
import { test } from "node:test"
import { type Grouping, graphOf, groupingOf, type Line, manyProcesses, schemeOf, transportOf } from "../src/graph.js"
import { Store } from "../src/store.js"
import type { Process } from "../src/wire.js"
import { node, nothing, pipe, socket } from "./system.js"

const none: ReadonlySet<string> = new Set()

function storeOf(...nodes: Process[]): Store {
  const store = new Store()
  for (const n of nodes) store.merge(`node/${n.instance}`, JSON.stringify(n), 0)
  return store
}

const graph = (store: Store, filter = {}, grouping: Grouping = "none", open = none, now = 0) => graphOf(store, { ...nothing, ...filter }, grouping, open, now)

/** A push and a pull with one pipe, as both sides tell of it. */
const pair = () => [
  node("a", [socket(1, "push", { pipes: [pipe(7, { rates: { sent: 100 }, peer: { instance: "b", socket: 2, pipe: 9 } })] })]),
  node("b", [socket(2, "pull", { pipes: [pipe(9, { rates: { delivered: 100, sent: 3 }, peer: { instance: "a", socket: 1, pipe: 7 } })] })]),
]

const brief = (l: Line) => `${l.from}:${l.fromPort} ${l.to}:${l.toPort} ${l.state} ${l.forth} ${l.back}`

test("a pipe that both sides tell of is one line, with the rates of both directions", () => {
  const g = graph(storeOf(...pair()))
  assert.deepEqual(g.lines.map(brief), ["a:a/1 b:b/2 live 100 3"])
  assert.deepEqual(
    g.discs.map((d) => [d.id, d.kind, d.ports.length]),
    [
      ["a", "process", 1],
      ["b", "process", 1],
    ],
  )
})

test("a pipe that only one side tells of is a line too", () => {
  const [a, b] = pair()
  b!.sockets![0]!.pipes = []
  assert.deepEqual(graph(storeOf(a!, b!)).lines.map(brief), ["a:a/1 b:b/2 live 100 0"])
})

test("pipes between the same processes have lanes of their own", () => {
  const to = (pipe: number) => ({ instance: "b", socket: 1, pipe })
  const store = storeOf(node("a", [socket(1, "push", { pipes: [pipe(1, { peer: to(1) }), pipe(2, { peer: to(2) })] })]), node("b", [socket(1, "pull")]))
  assert.deepEqual(
    graph(store).lines.map((l) => [l.lane, l.lanes]),
    [
      [0, 2],
      [1, 2],
    ],
  )
})

test("peers that are no known process are beyond, one disc for each address", () => {
  const far = (id: number, remote: string) => pipe(id, { remote })
  const pipes = [far(1, "10.0.0.3:4000"), far(2, "10.0.0.3:4001"), far(3, "[2001:db8::1]:5"), pipe(4, { transport: "ipc" })]
  const g = graph(storeOf(node("a", [socket(1, "pull", { pipes })])))
  assert.deepEqual(
    g.discs.filter((d) => d.kind === "beyond").map((d) => d.label),
    ["10.0.0.3", "2001:db8::1", "ipc"],
  )
  assert.equal(g.lines.length, 4)
})

test("a dialer that lost its peer waits on a line to where that was", () => {
  const url = "tcp://10.0.0.1:5555"
  const store = storeOf(node("b", [socket(1, "pull")]))
  const dialer = (connected: boolean) =>
    node("a", [
      socket(1, "push", {
        endpoints: [{ url, listening: false, state: connected ? "connected" : "waiting", pipes: connected ? 1 : 0, next_attempt: "2026-01-01T00:00:00Z" }],
        pipes: connected ? [pipe(1, { url, peer: { instance: "b", socket: 1, pipe: 1 } })] : [],
      }),
    ])
  store.merge("node/a", JSON.stringify(dialer(true)), 0)
  assert.deepEqual(graph(store).lines.map(brief), ["a:a/1 b:b/1 live 0 0"])
  store.merge("node/a", JSON.stringify(dialer(false)), 0)
  const [line] = graph(store).lines
  assert.equal(brief(line!), "a:a/1 b:b/1 waiting 0 0")
  assert.equal(line!.next, Date.parse("2026-01-01T00:00:00Z"))
})

test("a dialer that never had a peer waits for the socket that listens there, or for an address without answer", () => {
  const dialer = (url: string) => socket(1, "push", { endpoints: [{ url, listening: false, state: "connecting", pipes: 0 }] })
  const listener = node("b", [socket(4, "pull", { endpoints: [{ url: "tcp://127.0.0.1:5", listening: true, state: "listening", pipes: 0 }] })])
  assert.deepEqual(graph(storeOf(node("a", [dialer("tcp://127.0.0.1:5")]), listener)).lines.map(brief), ["a:a/1 b:b/4 waiting 0 0"])
  const g = graph(storeOf(node("a", [dialer("tcp://127.0.0.1:6")])))
  assert.deepEqual(
    g.discs.map((d) => [d.label, d.detail]),
    [
      ["a", "host · 1"],
      ["127.0.0.1:6", "no answer"],
    ],
  )
})

test("the pipes of a process that has gone are past, until its peer waits for it", () => {
  const store = storeOf(...pair())
  const [a, b] = pair()
  store.merge("gone", JSON.stringify({ ...b!, state: "gone" }), 0)
  a!.sockets![0]!.pipes = []
  store.merge("node/a", JSON.stringify(a), 0)
  const g = graph(store)
  assert.deepEqual(g.lines.map(brief), ["b:b/2 a:a/1 past 0 0"])
  assert.equal(g.discs.find((d) => d.id === "b")!.state, "gone")
  a!.sockets![0]!.pipes = []
  a!.sockets![0]!.endpoints = [{ url: "tcp://127.0.0.1:1", listening: false, state: "waiting", pipes: 0 }]
  store.merge("node/a", JSON.stringify(a), 0)
  assert.deepEqual(graph(store).lines.map(brief), ["a:a/1 b:b/2 waiting 0 0"])
})

test("a line is red while its pipe drops", () => {
  const [a, b] = pair()
  const store = storeOf(a!, b!)
  const drop = (overflow: number) => {
    a!.sockets![0]!.pipes![0]!.dropped = { overflow }
    store.merge("node/a", JSON.stringify(a), 1000 * overflow)
  }
  drop(1)
  assert.equal(graph(store, {}, "none", none, 1001).lines[0]!.dropping, false)
  drop(2)
  assert.equal(graph(store, {}, "none", none, 2001).lines[0]!.dropping, true)
  assert.equal(graph(store, {}, "none", none, 7001).lines[0]!.dropping, false)
})

test("a filter shows what passes and its neighbours, dim", () => {
  const store = storeOf(...pair(), node("c", [socket(1, "bus")]))
  const g = graph(store, { text: "push" })
  assert.deepEqual(
    g.discs.map((d) => [d.id, d.dim]),
    [
      ["a", false],
      ["b", true],
    ],
  )
  assert.equal(g.lines.length, 1)
  assert.equal(graph(store, { transports: new Set(["ipc"]) }).lines.length, 0)
})

test("groups have the lines between them added up, and their processes when they are open", () => {
  const at = (n: Process, host: string) => ({ ...n, host })
  const [a, b] = pair()
  const [c, d] = pair().map((n) => JSON.parse(JSON.stringify(n).replaceAll('"a"', '"c"').replaceAll('"b"', '"d"'))) as Process[]
  const store = storeOf(at(a!, "x"), at(b!, "y"), at(c!, "y"), at(d!, "x"))
  const g = graph(store, {}, "host")
  assert.deepEqual(
    g.discs.map((d) => [d.id, d.count, d.detail]),
    [
      ["host:x", 2, "2 processes"],
      ["host:y", 2, "2 processes"],
    ],
  )
  assert.deepEqual(
    g.lines.map((l) => [l.from, l.to, l.pipes, l.forth]),
    [["host:x", "host:y", 2, 100]],
  )
  assert.equal(Math.round(g.lines[0]!.back), 100)
  const opened = graph(store, {}, "host", new Set(["host:x"]))
  assert.deepEqual(opened.discs.map((d) => d.id).sort(), ["a", "d", "host:y"])
})

test("many processes are grouped: by hosts, or by names on few hosts", () => {
  const some = (n: number, hosts: number) => Array.from({ length: n }, (_, i) => node(`n${i}`, [], { host: `h${i % hosts}` }))
  assert.equal(groupingOf("auto", some(manyProcesses, 20)), "none")
  assert.equal(groupingOf("auto", some(manyProcesses + 1, 20)), "host")
  assert.equal(groupingOf("auto", some(manyProcesses + 1, 2)), "name")
  assert.equal(groupingOf("none", some(manyProcesses + 1, 2)), "none")
})

test("TLS makes another transport", () => {
  const tls = { version: "TLS 1.3" }
  const all = [{}, { tls }, { transport: "ws", tls }, { transport: "ipc", tls }, { transport: "", url: "wss://a" }]
  assert.deepEqual(
    all.map((some) => transportOf(pipe(1, some))),
    ["tcp", "tls+tcp", "wss", "ipc", "wss"],
  )
})

test("transports of URLs", () => {
  assert.deepEqual(["tcp://a:1", "zmtp+tcp://a:1", "sp+tls+tcp://a", "inproc://x", "?"].map(schemeOf), ["tcp", "tcp", "tls+tcp", "inproc", "other"])
})
