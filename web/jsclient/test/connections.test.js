// SPDX-License-Identifier: MIT

import assert from "node:assert/strict"
import { mock, test } from "node:test"

import { Pair, Pull, Push, Req, SpryError, Sub } from "../dist/spry.js"
import { fakeTime, network, pass, rejected, settle } from "./fake.js"

const url = "ws://host/path"

function states(socket) {
  const seen = []
  socket.addEventListener("state", (e) => seen.push(e.state))
  return seen
}

test("a socket offers the one name of its peer's protocol", async (t) => {
  fakeTime(t)
  const net = network()
  const push = new Push(url, net)
  await settle()
  assert.deepEqual(net.last.protocols, ["pull.sp.nanomsg.org"])
  assert.equal(net.last.url, url)
  assert.equal(net.last.binaryType, "arraybuffer")
  await push.close({ linger: 0 })
})

test("addresses", async (t) => {
  fakeTime(t)
  const net = network()
  const urls = {
    "http://host/a": "ws://host/a",
    "https://host/a?b=c": "wss://host/a?b=c",
    "wss://host:1/": "wss://host:1/",
    "ws://host/#fragment": "ws://host/",
  }
  for (const [given, want] of Object.entries(urls)) {
    const push = new Push(given, net)
    await settle()
    assert.equal(net.last.url, want)
    await push.close({ linger: 0 })
  }
  for (const bad of ["nonsense", "tcp://host:1", ""]) {
    assert.throws(
      () => new Push(bad, net),
      (e) => e instanceof SpryError && e.code === "config",
    )
  }
  assert.throws(
    () => new Push("tcp://user:secret@host:1/?token=secret", net),
    (e) => e.message.includes("host") && !e.message.includes("secret"),
  )
})

test("the address of an attempt is asked for anew, and its secrets are in no event", async (t) => {
  fakeTime(t)
  const net = network()
  let n = 0
  const push = new Push(async () => `wss://user:secret@host/path?token=secret${++n}`, net)
  const urls = []
  push.addEventListener("state", (e) => urls.push(e.url))
  await settle()
  net.last.end()
  await pass(200)
  assert.deepEqual(
    net.made.map((ws) => ws.url.slice(-7)),
    ["secret1", "secret2"],
  )
  assert.equal(urls.at(-1), "wss://host/path")
  assert.ok(!urls.join().includes("secret"))
  await push.close({ linger: 0 })
})

test("an address that cannot be had is asked for again", async (t) => {
  fakeTime(t)
  const net = network()
  const answers = [() => Promise.reject(new Error("no token")), () => "nonsense", () => url]
  const push = new Push(() => answers.shift()(), net)
  const reasons = []
  push.addEventListener("state", (e) => e.state === "waiting" && reasons.push(e.reason))
  await pass(1000)
  assert.equal(net.made.length, 1)
  assert.equal(reasons[0], "no token")
  assert.match(reasons[1], /no URL/)
  await push.close({ linger: 0 })
})

test("attempts follow each other with growing, random waits, one at a time", async (t) => {
  fakeTime(t)
  const net = network()
  const push = new Push(url, { ...net, backoff: { min: 100, max: 1000 } })
  const delays = []
  push.addEventListener("state", (e) => e.state === "waiting" && delays.push(e.delay))
  await settle()
  for (let i = 0; i < 8; i++) {
    net.last.end()
    await pass(1001)
    assert.equal(net.made.length, i + 2)
  }
  delays.forEach((delay, i) => {
    const most = Math.min(1000, 100 * 2 ** i)
    assert.ok(delay >= most / 2 && delay <= most, `wait ${i} is ${delay}`)
  })
  await push.close({ linger: 0 })
})

test("a connection that lived makes the next wait short, a short one does not", async (t) => {
  fakeTime(t)
  const net = network()
  const push = new Push(url, { ...net, backoff: { min: 100, max: 10_000 } })
  let delay
  push.addEventListener("state", (e) => {
    if (e.state === "waiting") delay = e.delay
  })
  await settle()
  for (let i = 0; i < 5; i++) {
    net.last.open()
    net.last.end()
    await pass(10_001)
  }
  assert.ok(delay >= 800, `after short connections ${delay}`)
  net.last.open()
  await pass(5000)
  net.last.end()
  assert.ok(delay <= 100, `after a long connection ${delay}`)
  await push.close({ linger: 0 })
})

test("an attempt that takes too long is given up, and the next one waits until it has ended", async (t) => {
  fakeTime(t)
  const net = network()
  const push = new Push(url, net)
  const reasons = []
  push.addEventListener("state", (e) => e.reason && reasons.push(e.reason))
  await settle()
  await pass(10_000)
  const [first] = net.made
  assert.ok(first.closed)
  await pass(60_000) // Firefox delays attempts, and their ends
  assert.equal(net.made.length, 1)
  first.end()
  await pass(200)
  assert.equal(net.made.length, 2)
  assert.match(reasons[0], /within 10000 ms/)
  await push.close({ linger: 0 })
})

test("a server with another subprotocol is refused, and dialed again", async (t) => {
  fakeTime(t)
  const net = network()
  const push = new Push(url, net)
  let reason
  push.addEventListener("state", (e) => (reason = e.reason))
  await settle()
  net.last.open("rep.sp.nanomsg.org")
  assert.equal(net.last.closed.code, 4002)
  assert.equal(push.stats().open, 0)
  net.last.end()
  assert.match(reason, /rep\.sp\.nanomsg\.org, not pull/)
  await pass(200)
  assert.equal(net.made.length, 2)
  await push.close({ linger: 0 })
})

test("ready waits for a connection", async (t) => {
  fakeTime(t)
  const net = network()
  const push = new Push(url, net)
  const abort = new AbortController()
  const aborted = rejected(push.ready({ signal: abort.signal }))
  const ready = push.ready()
  abort.abort(new Error("enough"))
  assert.equal((await aborted).message, "enough")
  await settle()
  net.last.open()
  await ready
  await push.ready()
  await push.close({ linger: 0 })
  assert.equal((await rejected(push.ready())).code, "closed")
})

test("the states of an endpoint", async (t) => {
  fakeTime(t)
  const net = network()
  const push = new Push(undefined, net)
  const endpoint = push.dial(url)
  const seen = states(push)
  await settle()
  net.last.open()
  net.last.end(1001, "going away")
  await pass(200)
  net.last.open()
  const over = endpoint.close()
  assert.equal(net.last.closed.code, 1000)
  net.last.end(1000)
  await over
  await pass(60_000)
  assert.equal(net.made.length, 2)
  assert.equal(endpoint.state, "closed")
  assert.deepEqual(seen, ["connecting", "open", "waiting", "connecting", "open", "closed"])
  await push.close({ linger: 0 })
})

test("an endpoint that is closed in an event dials no more", async (t) => {
  fakeTime(t)
  for (const when of ["connecting", "open", "waiting"]) {
    const net = network()
    const push = new Push(undefined, net)
    const endpoint = push.dial(url)
    push.addEventListener("state", (e) => e.state === when && endpoint.close())
    await settle()
    net.last?.open()
    net.last?.end()
    await pass(60_000)
    assert.ok(net.made.length <= 1, when)
    assert.equal(endpoint.state, "closed")
    assert.equal(push.stats().open, 0)
    await push.close({ linger: 0 })
  }
})

test("the network that is back ends a wait", async (t) => {
  fakeTime(t)
  const listeners = new EventTarget()
  globalThis.addEventListener = listeners.addEventListener.bind(listeners)
  globalThis.removeEventListener = listeners.removeEventListener.bind(listeners)
  t.after(() => {
    delete globalThis.addEventListener
    delete globalThis.removeEventListener
  })
  const net = network()
  const push = new Push(url, { ...net, backoff: { min: 5000, max: 5000 } })
  await settle()
  net.last.end()
  await settle()
  listeners.dispatchEvent(new Event("online"))
  await settle()
  assert.equal(net.made.length, 2)
  listeners.dispatchEvent(new Event("online")) // while connecting
  await settle()
  assert.equal(net.made.length, 2)
  net.last.end()
  await push.close({ linger: 0 })
  listeners.dispatchEvent(new Event("online"))
  await pass(10_000)
  assert.equal(net.made.length, 2)
})

test("text and large messages end the connection, and the next one is good", async (t) => {
  fakeTime(t)
  const net = network()
  const pull = new Pull(url, { ...net, maxMessageSize: 10 })
  await settle()
  net.last.open()
  net.last.receive("text")
  assert.equal(net.last.closed.code, 4003)
  net.last.receiveText("ignored") // it is over
  await pass(200)
  net.last.open()
  net.last.receiveText("0123456789a")
  assert.equal(net.last.closed.code, 4009)
  await pass(400)
  net.last.open()
  net.last.receiveText("0123456789")
  assert.equal((await pull.recv()).text(), "0123456789")
  assert.equal(pull.queued, 0)
  assert.equal(net.made.length, 3)
  await pull.close({ linger: 0 })
})

test("a peer that takes nothing is given up, one that takes a little is not", async (t) => {
  fakeTime(t)
  const net = network()
  const pair = new Pair(url, net)
  await settle()
  const ws = net.last
  ws.holds = true
  ws.open()
  await pair.send("0123456789")
  await pair.send("0123456789")
  for (let i = 0; i < 15; i++) {
    await pass(10_000)
    ws.bufferedAmount--
  }
  assert.equal(pair.stats().open, 1)
  await pass(32_000)
  assert.equal(ws.closed.code, 4001)
  assert.equal(pair.stats().open, 0)
  assert.equal(pair.stats().unconfirmed, 1) // one has left, and five bytes
  await pair.close({ linger: 0 })
})

test("a silent peer is given up if the program wants that", async (t) => {
  fakeTime(t)
  for (const idleTimeout of [0, 5000]) {
    const net = network()
    const sub = new Sub(url, { ...net, idleTimeout, topics: [""] })
    await settle()
    net.last.open()
    for (let i = 0; i < 5; i++) {
      await pass(3000)
      net.last.receiveText("tick")
    }
    assert.equal(sub.stats().open, 1)
    await pass(60_000)
    assert.equal(net.made[0].closed !== undefined, idleTimeout > 0)
    await sub.close({ linger: 0 })
  }
})

test("close sends what waits, and waits until it has left", async (t) => {
  fakeTime(t)
  const net = network()
  const push = new Push(url, { ...net, bufferedBytes: 5 })
  await settle()
  const ws = net.last
  ws.holds = true
  ws.open()
  await push.send("12345")
  const second = push.send("67890")
  let over = false
  const closed = push.close().then(() => (over = true))
  await pass(100)
  assert.equal((await rejected(push.send("more"))).code, "closed")
  ws.bufferedAmount = 0
  await pass(100)
  await second
  assert.deepEqual(ws.texts, ["12345", "67890"])
  assert.equal(ws.closed, undefined)
  ws.bufferedAmount = 0
  await pass(100)
  assert.equal(ws.closed.code, 1000)
  assert.equal(over, false)
  ws.end(1000)
  await closed
  const { dropped, unconfirmed, sent } = push.stats()
  assert.deepEqual([dropped, unconfirmed, sent], [{}, 0, 2])
})

test("close gives up after its linger, and counts what is left", async (t) => {
  fakeTime(t)
  const net = network()
  const push = new Push(url, { ...net, bufferedBytes: 5 })
  await settle()
  const ws = net.last
  ws.holds = true
  ws.open()
  await push.send("12345")
  const second = rejected(push.send("67890"))
  const closed = push.close({ linger: 500 })
  assert.equal(push.close(), closed)
  await pass(600)
  await closed
  assert.equal((await second).code, "closed")
  const { dropped, unconfirmed } = push.stats()
  assert.deepEqual([dropped, unconfirmed], [{ closed: 1 }, 1])
})

test("invalid options are reported", () => {
  const net = network()
  for (const o of [
    { ttl: 256 },
    { ttl: 0 },
    { maxMessageSize: -1 },
    { backoff: { min: 0 } },
    { backoff: { min: 5, max: 4 } },
    { stallTimeout: "1" },
    { idleTimeout: -1 },
  ]) {
    assert.throws(
      () => new Push(undefined, { ...net, ...o }),
      (e) => e instanceof SpryError && e.code === "config",
      JSON.stringify(o),
    )
  }
  if (!globalThis.WebSocket) assert.throws(() => new Push(undefined), /npm's package ws/)
})

test("a constructor that throws has dialed nothing", async (t) => {
  fakeTime(t)
  const net = network()
  assert.throws(() => new Pull([url, "ftp://bad"], net))
  assert.throws(() => new Req(url, { ...net, retryAfter: -1 }))
  assert.throws(() => new Sub(url, { ...net, topics: [42] }))
  await pass(1000)
  assert.equal(net.made.length, 0)
})

test("an endpoint may be closed in its own last event", async (t) => {
  fakeTime(t)
  const net = network()
  const push = new Push(undefined, net)
  const endpoint = push.dial(url)
  const seen = states(push)
  push.addEventListener("state", (e) => {
    if (e.state === "closed") endpoint.close()
  })
  await settle()
  endpoint.close()
  assert.deepEqual(seen, ["connecting", "closed"])
  await push.close({ linger: 0 })
})

test("an address that does not come in time is asked for again", async (t) => {
  fakeTime(t)
  const net = network()
  let asked = 0
  const push = new Push(() => (++asked === 1 ? new Promise(() => {}) : url), net)
  let reason
  push.addEventListener("state", (e) => {
    if (e.state === "waiting") reason = e.reason
  })
  await settle()
  await pass(10_200)
  assert.match(reason, /no address within 10000 ms/)
  assert.equal(net.made.length, 1)
  await push.close({ linger: 0 })
})

test("no time is too long for a timer", async (t) => {
  fakeTime(t)
  const net = network()
  const push = new Push(url, { ...net, handshakeTimeout: Number.POSITIVE_INFINITY })
  await pass(60_000)
  assert.equal(net.made.length, 1)
  assert.equal(net.last.closed, undefined)
  await push.close({ linger: 0 })
})

test("a connection that sent nothing for long is not stalled by its first message", async (t) => {
  fakeTime(t)
  const net = network()
  const pair = new Pair(url, { ...net, idleTimeout: 4000, stallTimeout: 5000 })
  await settle()
  const ws = net.last
  ws.open()
  for (let i = 0; i < 20; i++) {
    await pass(1000)
    ws.receive([0, 0, 0, 1])
  }
  ws.holds = true
  await pair.send("x")
  await pass(2000)
  assert.equal(ws.closed, undefined)
  ws.receive([0, 0, 0, 1])
  await pass(3500)
  assert.equal(ws.closed.code, 4001)
  await pair.close({ linger: 0 })
})

test("a page that was busy does not take its own delay for the peer's", async (t) => {
  fakeTime(t)
  const net = network()
  const pair = new Pair(url, net)
  await settle()
  const ws = net.last
  ws.holds = true
  ws.open()
  await pair.send("x")
  // The page does nothing for a minute. Then its timer comes before the word that the bytes have left.
  mock.timers.setTime(Date.now() + 60_000)
  let reads = 0
  Object.defineProperty(ws, "bufferedAmount", { get: () => (reads++ === 0 ? 5 : 0) })
  await pass(5000)
  assert.ok(reads > 1)
  assert.equal(ws.closed, undefined)
  assert.equal(pair.stats().unconfirmed, 0)
  await pair.close({ linger: 0 })
})
