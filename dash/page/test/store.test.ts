// SPDX-License-Identifier: MIT

import assert from "node:assert/strict"
import { test } from "node:test"
import { causes, pipeRows, socketRows } from "../src/rows.js"
import { fillOf, fullnessOf, isTrying, Store } from "../src/store.js"
import { node, nothing, pipe, socket } from "./system.js"

const put = (store: Store, of: { instance: string }, now = 0) => store.merge(`node/${of.instance}`, JSON.stringify(of), now)

test("a later message of a process takes the place of an earlier one", () => {
  const store = new Store()
  put(store, node("a", [socket(1, "push", { rates: { sent: 5 } }), socket(2, "pull")]))
  put(store, node("a", [socket(1, "push", { rates: { sent: 7 } })]))
  assert.deepEqual([...store.sockets.keys()], ["a/1"])
  assert.deepEqual(store.sockets.get("a/1")!.sent.values(), [5, 7])
  assert.equal(store.totals().sent, 7)
})

test("a process that has gone keeps its sockets, and counts no more; a removed one is away", () => {
  const store = new Store()
  put(store, node("a", [socket(1, "push", { rates: { sent: 5 } })]))
  store.merge("gone", JSON.stringify({ instance: "a", state: "gone" }), 0)
  assert.equal(store.nodes.get("a")!.state, "gone")
  assert.equal(store.nodes.get("a")!.name, "a")
  assert.equal(store.nodes.get("a")!.sockets!.length, 1)
  assert.deepEqual([store.totals().nodes, store.totals().sent], [0, 0])
  store.merge("gone", JSON.stringify({ instance: "a", state: "removed" }), 0)
  assert.deepEqual([store.nodes.size, store.sockets.size], [0, 0])
})

test("the pipes of a process that has gone lead to where they did", () => {
  const store = new Store()
  const peer = { instance: "b", socket: 1, pipe: 1 }
  put(store, node("a", [socket(1, "push", { pipes: [pipe(1, { peer }), pipe(2, {})] })]))
  store.merge("node/a", JSON.stringify(node("a", [socket(1, "push", { pipes: [pipe(1, {}), pipe(2, {})] })], { state: "gone" })), 0)
  assert.deepEqual(
    store.nodes.get("a")!.sockets![0]!.pipes!.map((p) => p.peer),
    [peer, null],
  )
})

test("a process that has never answered is called by its URL", () => {
  const store = new Store()
  put(store, node("url-1", [], { name: "", url: "http://host/spry", state: "unreachable" }))
  assert.equal(store.nodes.get("url-1")!.name, "http://host/spry")
})

test("after the connection was away, what is not told again is away by the third beat", () => {
  const store = new Store()
  const beat = () => store.merge("dash", JSON.stringify({ at: "2026-01-01T00:00:00Z", nodes: 1 }), 0)
  put(store, node("a", []))
  put(store, node("b", []))
  beat()
  beat()
  beat()
  assert.equal(store.nodes.size, 2)
  store.reconnected()
  put(store, node("b", []))
  beat()
  beat()
  assert.equal(store.nodes.size, 2)
  beat()
  assert.deepEqual([...store.nodes.keys()], ["b"])
})

test("a pipe drops for a while after its count has grown, not when it is seen first", () => {
  const store = new Store()
  const at = (overflow: number, now: number) => {
    const s = socket(1, "pub", { pipes: [pipe(3, { dropped: { overflow } })], dropped: { send: { overflow } } })
    put(store, node("a", [s]), now)
    return [store.isDropping("a/1/3", now), store.sockets.get("a/1")!.dropping > now]
  }
  assert.deepEqual(at(10, 1000), [false, false])
  assert.deepEqual(at(11, 2000), [true, true])
  assert.deepEqual(at(11, 6000), [true, true])
  assert.deepEqual(at(11, 7001), [false, false])
})

test("events come in the order of their times, and once", () => {
  const store = new Store()
  const event = (time: string, ring: number) => store.merge(`event/${ring}`, JSON.stringify({ instance: "a", time, socket: 1, kind: "drop" }), 0)
  event("2026-01-01T00:00:02Z", 2)
  event("2026-01-01T00:00:01Z", 1)
  event("2026-01-01T00:00:03Z", 3)
  event("2026-01-01T00:00:02Z", 2)
  assert.deepEqual(
    store.events.map((e) => [e.time.slice(17, 19), e.seq]),
    [
      ["01", 2],
      ["02", 1],
      ["03", 3],
    ],
  )
})

test("at most 2000 events are kept, the latest", () => {
  const store = new Store()
  for (let i = 0; i < 5000; i++) store.merge(`event/${i % 500}`, JSON.stringify({ instance: "a", time: new Date(i).toISOString(), socket: 1, kind: "drop" }), 0)
  assert.equal(store.events.length, 2000)
  assert.equal(store.events.at(-1)!.seq, 5000)
})

test("the server's clock counts", () => {
  const store = new Store()
  store.merge("dash", JSON.stringify({ at: "2026-01-01T00:00:10Z", nodes: 0 }), Date.parse("2026-01-01T00:00:00Z"))
  assert.equal(store.clock(0), 10_000)
})

test("how full a queue is", () => {
  const full = pipe(1, { send: { queued: 5, limit: 10, bytes: 90, limit_bytes: 100 }, recv: { queued: 7, limit: 0, bytes: 0, limit_bytes: 0 } })
  assert.equal(fullnessOf(full), 0.9)
  const s = socket(1, "push", { pipes: [full, pipe(2, {})], queued: { send: 5 } })
  assert.deepEqual(fillOf(s, "send"), { queued: 5, limit: 20, share: 0.9 })
  assert.deepEqual(fillOf(s, "recv"), { queued: 0, limit: 10, share: 0 })
})

test("a dialer without a connection tries; a listener never does", () => {
  const endpoint = { url: "tcp://a", listening: false, state: "waiting", pipes: 0 }
  assert.equal(isTrying(endpoint), true)
  assert.equal(isTrying({ ...endpoint, listening: true }), false)
  assert.equal(isTrying({ ...endpoint, pipes: 1, state: "connected" }), false)
  assert.equal(isTrying({ ...endpoint, state: "ended" }), false)
})

test("causes add up over sockets, with the places of each", () => {
  const store = new Store()
  put(store, node("a", [socket(1, "pub", { dropped: { send: { overflow: 5 }, recv: { stale: 1 } } })]))
  put(store, node("b", [socket(1, "pub", { dropped: { send: { overflow: 9 } }, rejected: { version: 2, io: 0 } })]))
  const all = causes(socketRows(store, nothing))
  assert.deepEqual(
    all.map((c) => [c.reason, c.send, c.recv, c.refused, c.where.map((w) => w.known.place).join()]),
    [
      ["overflow", 14, 0, 0, "b/1,a/1"],
      ["version", 0, 0, 2, "b/1"],
      ["stale", 0, 1, 0, "a/1"],
    ],
  )
})

test("filters choose by text, protocol and transport", () => {
  const store = new Store()
  put(
    store,
    node("ape", [
      socket(1, "push", { name: "jobs", pipes: [pipe(1, { transport: "ipc" }), pipe(2, { transport: "tcp", identity: "CN=Bee" })] }),
      socket(2, "sub"),
    ]),
  )
  put(store, node("bat", [socket(1, "pull")]))
  const sockets = (f: object) => socketRows(store, { ...nothing, ...f }).map((k) => k.place)
  const pipes = (f: object, instance?: string) => pipeRows(store, { ...nothing, ...f }, instance).map((r) => r.place)
  assert.deepEqual(sockets({}), ["ape/1", "ape/2", "bat/1"])
  assert.deepEqual(sockets({ text: "JOBS" }), ["ape/1"])
  assert.deepEqual(sockets({ text: "bat" }), ["bat/1"])
  assert.deepEqual(sockets({ protocols: new Set(["sub", "pull"]) }), ["ape/2", "bat/1"])
  assert.deepEqual(sockets({ transports: new Set(["ipc"]) }), ["ape/1"])
  assert.deepEqual(pipes({ transports: new Set(["ipc"]) }), ["ape/1/1"])
  assert.deepEqual(pipes({ text: "cn=bee" }), ["ape/1/2"])
  assert.deepEqual(pipes({}, "bat"), [])
})
