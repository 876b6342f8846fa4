// SPDX-License-Identifier: MIT

import assert from "node:assert/strict"
import { test } from "node:test"

import { Bus, Pair, Pub, Pull, Push, Rep, Req, Respondent, SpryError, Sub, Surveyor } from "../dist/spry.js"
import { fakeTime, network, pass, rejected, settle, word } from "./fake.js"

const url = "ws://host/path"
const text = (s) => [...new TextEncoder().encode(s)]

// connected makes a socket with open connections to several peers, and closes it when the test ends.
async function connected(t, Kind, { peers = 1, ...options } = {}) {
  fakeTime(t)
  const net = network()
  const socket = new Kind(Array(peers).fill(url), { WebSocket: net.WebSocket, ...options })
  await settle()
  for (const ws of net.made) ws.open()
  t.after(() => socket.close({ linger: 0 }))
  return { socket, net, ws: net.made[0] }
}

test("bodies", async (t) => {
  const { socket, ws } = await connected(t, Push)
  const bytes = Uint8Array.of(0, 1, 2, 3)
  const bodies = ["é", bytes, bytes.buffer, bytes.subarray(1, 3), new DataView(bytes.buffer, 2), "", new Uint16Array([258])]
  for (const body of bodies) await socket.send(body)
  assert.deepEqual(
    ws.sent.map((frame) => [...frame]),
    [[0xc3, 0xa9], [0, 1, 2, 3], [0, 1, 2, 3], [1, 2], [2, 3], [], [2, 1]],
  )
  for (const bad of [undefined, null, 7, {}]) assert.throws(() => socket.send(bad), TypeError)
})

test("what is received can be read as bytes, text and JSON", async (t) => {
  const { socket, ws } = await connected(t, Pull)
  ws.receiveText('{"a":1}')
  ws.receive([0xff])
  const m = await socket.recv()
  assert.deepEqual(m.json(), { a: 1 })
  assert.equal(m.text(), '{"a":1}')
  assert.equal(m.bytes.length, 7)
  const other = await socket.recv()
  assert.equal(other.text(), "\ufffd")
  assert.throws(() => other.json(), SyntaxError)
})

test("receiving calls are served in order, and one that is aborted takes nothing", async (t) => {
  const { socket, ws } = await connected(t, Pull)
  const abort = new AbortController()
  const first = socket.recv()
  const aborted = rejected(socket.recv({ signal: abort.signal }))
  const third = socket.recv()
  abort.abort()
  assert.equal((await aborted).name, "AbortError")
  ws.receiveText("1")
  ws.receiveText("2")
  assert.deepEqual([(await first).text(), (await third).text()], ["1", "2"])
  assert.equal((await rejected(socket.recv({ signal: AbortSignal.abort(new Error("before")) }))).message, "before")
})

test("iterating ends with the socket, with the signal, and with the loop", async (t) => {
  const { socket, ws } = await connected(t, Pull)
  for (const body of "abcd") ws.receiveText(body)
  const seen = []
  for await (const m of socket) {
    seen.push(m.text())
    if (seen.length === 2) break
  }
  assert.deepEqual(seen, ["a", "b"])
  const abort = new AbortController()
  const loop = rejected(
    (async () => {
      for await (const m of socket.messages({ signal: abort.signal })) seen.push(m.text())
    })(),
  )
  await settle()
  abort.abort(new Error("enough"))
  assert.equal((await loop).message, "enough")
  const end = (async () => {
    for await (const m of socket) seen.push(m.text())
    return "ended"
  })()
  await settle()
  await socket.close({ linger: 0 })
  assert.equal(await end, "ended")
  assert.deepEqual(seen, ["a", "b", "c", "d"])
  assert.equal((await rejected(socket.recv())).code, "closed")
})

test("a Push takes its peers in turn, and waits for room", async (t) => {
  const { socket, net } = await connected(t, Push, { peers: 2, bufferedBytes: 2 })
  const [a, b] = net.made
  a.holds = b.holds = true
  for (const body of ["1", "2", "3", "4"]) await socket.send(body)
  const waiting = ["5", "6", "7"].map((body) => socket.send(body))
  assert.equal(socket.stats().sending, 3)
  b.bufferedAmount = 0
  await pass(100)
  assert.deepEqual(
    [a.texts, b.texts],
    [
      ["1", "3"],
      ["2", "4", "5", "6"],
    ],
  )
  await waiting[0]
  a.bufferedAmount = 0
  await pass(100)
  await Promise.all(waiting)
  assert.deepEqual(a.texts, ["1", "3", "7"])
  assert.equal(socket.stats().sent, 7)
})

test("what waits to be sent is limited, can be aborted, and may change after the call", async (t) => {
  const { socket, ws } = await connected(t, Push, { bufferedBytes: 1, sendQueueBytes: 2 * 68 })
  ws.holds = true
  await socket.send("full")
  const abort = new AbortController()
  const body = Uint8Array.from(text("keep"))
  const kept = socket.send(body)
  body.fill(0)
  const aborted = rejected(socket.send("gone", { signal: abort.signal }))
  const refused = await rejected(socket.send("more"))
  assert.ok(refused instanceof SpryError)
  assert.equal(refused.code, "full")
  abort.abort()
  await aborted
  const again = socket.send("more")
  for (let i = 0; i < 3; i++) {
    ws.bufferedAmount = 0
    await pass(100)
  }
  await Promise.all([kept, again])
  assert.deepEqual(ws.texts, ["full", "keep", "more"])
})

test("sends wait for a connection", async (t) => {
  fakeTime(t)
  const net = network()
  const push = new Push(url, net)
  const sent = push.send("early")
  await settle()
  net.last.open()
  await sent
  assert.deepEqual(net.last.texts, ["early"])
  net.last.readyState = 2 // it closes, and its end has not come yet
  const next = push.send("late")
  await pass(50)
  net.last.end()
  await pass(200)
  net.last.open()
  await next
  assert.deepEqual(net.last.texts, ["late"])
  await push.close({ linger: 0 })
})

test("a Pull that is too slow ends its connection, loses nothing that came, and dials when half is read", async (t) => {
  const { socket, net, ws } = await connected(t, Pull, { recvQueueBytes: 10 * 65 })
  for (let i = 0; i < 12; i++) ws.receiveText(`${i % 10}`)
  assert.equal(ws.closed.code, 4008)
  assert.equal(socket.queued, 11)
  await pass(60_000)
  assert.equal(net.made.length, 1)
  for (let i = 0; i < 5; i++) assert.equal((await socket.recv()).text(), `${i}`)
  await pass(60_000)
  assert.equal(net.made.length, 1)
  assert.equal((await socket.recv()).text(), "5")
  await settle()
  assert.equal(net.made.length, 2)
  net.last.open()
  net.last.receiveText("new")
  for (const want of ["6", "7", "8", "9", "0", "new"]) assert.equal((await socket.recv()).text(), want)
  assert.deepEqual(socket.stats().dropped, {})
})

test("a Sub receives what begins with one of its topics", async (t) => {
  const { socket, ws } = await connected(t, Sub, { topics: ["a", Uint8Array.of(0xff, 0)] })
  const take = async (...bodies) => {
    for (const body of bodies) ws.receive(body)
    const got = []
    while (socket.queued > 0) got.push([...(await socket.recv()).bytes])
    return got
  }
  assert.deepEqual(await take(text("ab"), text("b"), [], [0xff, 0, 1], [0xff, 1], text("a")), [text("ab"), [0xff, 0, 1], text("a")])
  assert.equal(socket.unsubscribe("a"), true)
  assert.equal(socket.unsubscribe("a"), false)
  assert.deepEqual(await take(text("ab")), [])
  socket.subscribe("")
  assert.deepEqual(await take(text("ab"), []), [text("ab"), []])
  assert.equal(socket.unsubscribe(""), true)
  assert.deepEqual(await take(text("ab")), [])
  const { received, filtered, dropped } = socket.stats()
  assert.deepEqual([received, filtered, dropped], [10, 5, {}])
})

test("a Sub that is too slow drops the oldest, counts them, and says so once", async (t) => {
  const { socket, ws } = await connected(t, Sub, { topics: [""], recvQueueBytes: 4 * 65 })
  const gaps = []
  socket.addEventListener("gap", (e) => gaps.push([e.url, e.reason, e.missed]))
  for (const body of "abcdefg") ws.receiveText(body)
  await pass(1)
  assert.deepEqual(gaps, [[url, "overflow", 3]])
  const got = []
  while (socket.queued > 0) got.push((await socket.recv()).text())
  assert.equal(got.join(""), "defg")
  assert.deepEqual(socket.stats().dropped, { overflow: 3 })
  for (const body of "hijkl") ws.receiveText(body)
  await pass(1)
  assert.equal(gaps[1][2], 1)
})

test("receivers report a gap when a connection comes back", async (t) => {
  for (const Kind of [Sub, Pull, Bus, Pair, Rep]) {
    await t.test(Kind.name, async (t) => {
      const { socket, net } = await connected(t, Kind)
      const gaps = []
      socket.addEventListener("gap", (e) => gaps.push(e.reason))
      net.last.end()
      await pass(200)
      assert.deepEqual(gaps, [])
      net.last.open()
      assert.deepEqual(gaps, ["reconnected"])
    })
  }
})

test("a Pub and a Bus send to all, except to those without room", async (t) => {
  for (const Kind of [Pub, Bus]) {
    await t.test(Kind.name, async (t) => {
      const { socket, net } = await connected(t, Kind, { peers: 3, bufferedBytes: 1 })
      net.made[1].holds = true
      socket.send("a")
      socket.send("b")
      assert.deepEqual(
        net.made.map((ws) => ws.texts.join("")),
        ["ab", "a", "ab"],
      )
      assert.deepEqual(socket.stats().dropped, { overflow: 1 })
      await socket.close({ linger: 0 })
      assert.throws(() => socket.send("c"), { code: "closed" })
    })
  }
})

test("sockets that only send drop what comes", async (t) => {
  for (const Kind of [Push, Pub]) {
    await t.test(Kind.name, async (t) => {
      const { socket, ws } = await connected(t, Kind)
      ws.receiveText("what?")
      assert.deepEqual(socket.stats().dropped, { unwanted: 1 })
      assert.equal(socket.stats().open, 1)
    })
  }
})

test("a Pair counts hops", async (t) => {
  const { socket, net, ws } = await connected(t, Pair, { ttl: 2 })
  assert.deepEqual(ws.protocols, ["pair1.sp.nanomsg.org"])
  await socket.send("x")
  assert.deepEqual([...ws.sent[0]], [0, 0, 0, 1, ...text("x")])
  ws.receive([0, 0, 0, 2, ...text("near")])
  ws.receive([0, 0, 0, 3, ...text("far")])
  assert.equal((await socket.recv()).text(), "near")
  assert.deepEqual(socket.stats().dropped, { ttl: 1 })
  for (const bad of [
    [0, 0, 1, 0],
    [0, 0, 1],
  ]) {
    net.last.receive(bad)
    assert.equal(net.last.closed.code, 4002)
    await pass(400)
    net.last.open()
  }
  assert.deepEqual(socket.stats().dropped, { ttl: 1, envelope: 2 })
})

// idOf is the id of the request that a WebSocket sent last.
const idOf = (ws) => [...ws.sent.at(-1).subarray(0, 4)]

test("a Req matches replies to requests, which go to the peer with the fewest", async (t) => {
  const { socket, net } = await connected(t, Req, { peers: 2 })
  const [a, b] = net.made
  const first = socket.request("1")
  const second = socket.request("2")
  const third = socket.request("3")
  assert.deepEqual([a.sent.length, b.sent.length], [2, 1])
  const id = idOf(b)
  assert.ok(id[0] & 0x80)
  assert.equal(new TextDecoder().decode(b.sent[0].subarray(4)), "2")
  a.receive([...idOf(a), ...text("three")])
  b.receive([...idOf(b), ...text("two")])
  assert.deepEqual([(await third).text(), (await second).text()], ["three", "two"])
  const fourth = socket.request("4") // b has none
  assert.equal(b.sent.length, 2)
  a.receive([...a.sent[0].subarray(0, 4)])
  assert.equal((await first).bytes.length, 0)
  b.receive([...idOf(b), 7])
  await fourth
  assert.deepEqual(socket.stats().dropped, {})
})

test("replies that nobody waits for are dropped", async (t) => {
  const { socket, net } = await connected(t, Req, { peers: 2 })
  const [a, b] = net.made
  const abort = new AbortController()
  const aborted = rejected(socket.request("1", { signal: abort.signal }))
  abort.abort()
  await aborted
  a.receive([...idOf(a), 1])
  const pending = socket.request("2")
  const [asked, other] = a.sent.length > 1 ? [a, b] : [b, a]
  other.receive([...idOf(asked), ...text("forged")])
  asked.receive([...idOf(asked), ...text("true")])
  assert.equal((await pending).text(), "true")
  assert.deepEqual(socket.stats().dropped, { stale: 1, foreign: 1 })
  a.receive(word(1))
  b.receive([0x80, 0, 0])
  assert.deepEqual([a.closed.code, b.closed.code, socket.stats().dropped.envelope], [4002, 4002, 2])
})

test("a request is sent again when its connection ends", async (t) => {
  const { socket, net } = await connected(t, Req, { peers: 2 })
  const [a, b] = net.made
  const pending = socket.request("again")
  const [asked, other] = a.sent.length ? [a, b] : [b, a]
  asked.end()
  assert.deepEqual(other.sent, asked.sent)
  other.end()
  await pass(400)
  net.last.open()
  assert.deepEqual(net.last.sent, asked.sent)
  net.last.receive([...idOf(net.last), ...text("done")])
  assert.equal((await pending).text(), "done")
})

test("a request without a reply is sent again, to another peer", async (t) => {
  const { socket, net } = await connected(t, Req, { peers: 2, retryAfter: 1000 })
  const [a, b] = net.made
  const pending = socket.request("again")
  const [asked, other] = a.sent.length ? [a, b] : [b, a]
  await pass(900)
  assert.equal(other.sent.length, 0)
  await pass(400)
  assert.deepEqual(other.sent, asked.sent)
  other.receive([...idOf(other), ...text("done")])
  assert.equal((await pending).text(), "done")
  await pass(5000)
  assert.equal(asked.sent.length + other.sent.length, 2)
})

test("requests wait for room, are limited, and end with the socket", async (t) => {
  const { socket, ws } = await connected(t, Req, { bufferedBytes: 1, sendQueueBytes: 2 * 72 })
  ws.holds = true
  const all = ["1", "2222", "3333"].map((body) => socket.request(body))
  assert.equal((await rejected(socket.request("4"))).code, "full")
  ws.bufferedAmount = 0
  await pass(100)
  assert.equal(ws.sent.length, 2)
  const rest = Promise.all(all.map(rejected))
  await socket.close({ linger: 0 })
  assert.deepEqual(
    (await rest).map((e) => e.code),
    ["closed", "closed", "closed"],
  )
  assert.equal((await rejected(socket.request("5"))).code, "closed")
  assert.deepEqual(socket.stats().dropped, { closed: 1 })
})

test("ids begin anywhere and go round", async (t) => {
  t.mock.method(Math, "random", () => 1 - 2 ** -31)
  const { socket, ws } = await connected(t, Req)
  const all = [socket.request("1"), socket.request("2")].map(rejected)
  assert.deepEqual(
    ws.sent.map((frame) => [...frame.subarray(0, 4)]),
    [word(0x80000000), word(0x80000001)],
  )
  await socket.close({ linger: 0 })
  await Promise.all(all)
})

test("Reps and Respondents send the way back with their reply, in any order", async (t) => {
  for (const Kind of [Rep, Respondent]) {
    await t.test(Kind.name, async (t) => {
      const { socket, ws } = await connected(t, Kind)
      ws.receive([...word(7), ...word(9), ...word(0x80000001), ...text("one")])
      ws.receive([...word(0x80000002), ...text("two")])
      const one = await socket.recv()
      const two = await socket.recv()
      assert.deepEqual([one.text(), two.text()], ["one", "two"])
      await two.reply("2")
      await one.reply("1")
      assert.deepEqual(
        ws.sent.map((frame) => [...frame]),
        [
          [...word(0x80000002), 0x32],
          [...word(7), ...word(9), ...word(0x80000001), 0x31],
        ],
      )
      assert.equal((await rejected(one.reply("1"))).code, "replied")
    })
  }
})

test("a Rep drops what came too far, and ends connections of nonsense", async (t) => {
  const { socket, net, ws } = await connected(t, Rep, { ttl: 2 })
  ws.receive([...word(1), ...word(0x80000001)])
  ws.receive([...word(1), ...word(2), ...word(0x80000001)])
  assert.deepEqual([socket.queued, socket.stats().dropped], [1, { ttl: 1 }])
  for (const bad of [[], [0x80, 0, 0], word(1)]) {
    net.last.receive(bad)
    assert.equal(net.last.closed.code, 4002, `${bad}`)
    await pass(1000)
    net.last.open()
  }
  assert.equal(socket.stats().dropped.envelope, 3)
})

test("a reply waits for room, and fails when the peer has gone", async (t) => {
  const { socket, ws } = await connected(t, Rep, { bufferedBytes: 1 })
  ws.holds = true
  for (let i = 1; i <= 4; i++) ws.receive(word(0x80000000 + i))
  const calls = []
  for (let i = 0; i < 4; i++) calls.push(await socket.recv())
  await calls[0].reply("a")
  const b = calls[1].reply("b")
  ws.bufferedAmount = 0
  await pass(50)
  await b
  const c = rejected(calls[2].reply("c"))
  ws.end()
  assert.equal((await c).code, "no_peer")
  assert.equal((await rejected(calls[3].reply("d"))).code, "no_peer")
  assert.deepEqual(socket.stats().dropped, { no_peer: 2 })
})

test("a Surveyor asks all and takes answers until the time is over", async (t) => {
  const { socket, net } = await connected(t, Surveyor, { peers: 3 })
  const survey = socket.survey("who?", { timeout: 500 })
  const later = socket.survey("and?", { timeout: 900 })
  const [id, second] = net.made[0].sent.map((frame) => [...frame.subarray(0, 4)])
  net.made.forEach((ws, i) => {
    ws.receive([...id, ...text(`${i}`)])
  })
  net.made[0].receive([...second, ...text("other")])
  const all = survey.all()
  await pass(600)
  assert.deepEqual(
    (await all).map((m) => m.text()),
    ["0", "1", "2"],
  )
  net.made[0].receive([...id, 1])
  assert.deepEqual(socket.stats().dropped, { stale: 1 })
  for await (const m of later) {
    assert.equal(m.text(), "other")
    break // ends it
  }
  net.made[0].receive([...second, 1])
  assert.deepEqual(socket.stats().dropped, { stale: 2 })
  net.made[0].receive([1])
  assert.equal(net.made[0].closed.code, 4002)
})

test("a survey ends with its signal and with the socket, and its answers are limited", async (t) => {
  const { socket, ws } = await connected(t, Surveyor, { recvQueueBytes: 2 * 65 })
  const abort = new AbortController()
  const aborted = rejected(socket.survey("1", { signal: abort.signal }).all())
  abort.abort(new Error("enough"))
  assert.equal((await aborted).message, "enough")
  const survey = socket.survey("2")
  for (const body of "abcd") ws.receive([...idOf(ws), ...text(body)])
  assert.deepEqual(socket.stats().dropped, { overflow: 1 })
  await socket.close({ linger: 0 })
  assert.equal((await survey.all()).length, 3)
  assert.throws(() => socket.survey("3"), { code: "closed" })
})

test("a Buffer is copied, as other bytes are", async (t) => {
  fakeTime(t)
  const net = network()
  const push = new Push(url, net)
  const body = Buffer.from("keep")
  const sent = push.send(body)
  body.fill("z")
  await settle()
  net.last.open()
  await sent
  assert.deepEqual(net.last.texts, ["keep"])
  const sub = new Sub(undefined, { ...net, topics: [] })
  const topic = Buffer.from("a")
  sub.subscribe(topic)
  topic.fill("b")
  assert.equal(sub.unsubscribe("a"), true)
  await push.close({ linger: 0 })
})

test("a message larger than the queue is received", async (t) => {
  const { socket, ws } = await connected(t, Sub, { topics: [""], recvQueueBytes: 100 })
  ws.receiveText("small")
  ws.receive(new Uint8Array(1000))
  assert.equal(socket.queued, 1)
  assert.equal((await socket.recv()).bytes.length, 1000)
  assert.deepEqual(socket.stats().dropped, { overflow: 1 })
})

test("a peer that reads no replies delays no other, and what waits for it is limited", async (t) => {
  const { socket, net } = await connected(t, Rep, { peers: 2, bufferedBytes: 1, sendQueueBytes: 100 * 68 })
  const [stuck, good] = net.made
  stuck.holds = true
  let full = 0
  for (let i = 0; i < 200; i++) {
    stuck.receive(word(0x80000000 + i))
    const call = await socket.recv()
    call.reply("").catch((reason) => {
      full += reason.code === "full" ? 1 : 0
    })
  }
  await settle()
  assert.equal(socket.stats().sending, 100)
  assert.equal(full, 99)
  good.receive(word(0x80000001))
  const call = await socket.recv()
  await call.reply("at once")
  assert.equal(good.sent.length, 1)
})

test("a call whose reply failed can be tried again", async (t) => {
  const { socket, ws } = await connected(t, Rep)
  ws.receive(word(0x80000001))
  const call = await socket.recv()
  assert.throws(() => call.reply({}), TypeError)
  assert.equal((await rejected(call.reply("1", { signal: AbortSignal.abort(new Error("enough")) }))).message, "enough")
  await call.reply("2")
  assert.equal(ws.sent.length, 1)
})

test("a survey that is invalid or aborted asks nobody", async (t) => {
  const { socket, ws } = await connected(t, Surveyor)
  assert.throws(() => socket.survey({}), TypeError)
  assert.throws(() => socket.survey("1", { signal: AbortSignal.abort(new Error("enough")) }), /enough/)
  assert.equal(ws.sent.length, 0)
  const endless = socket.survey("2", { timeout: Number.POSITIVE_INFINITY })
  await pass(60_000)
  ws.receive([...idOf(ws), 1])
  for await (const answer of endless) {
    assert.equal(answer.bytes.length, 1)
    break
  }
})
