// SPDX-License-Identifier: MIT

import assert from "node:assert/strict"
import { createServer } from "node:http"
import { mock, test } from "node:test"

import { Bus, Pair, Pub, Pull, Push, Rep, Req, Respondent, Sub, Surveyor } from "../dist/spry.js"
import { fakeTime, gateway, network, pass, rejected, settle, turn, word } from "./fake.js"

const url = "ws://host/path"

/** later lets time and streams move. */
async function later(ms) {
  await pass(ms)
  await turn()
}

// blocked makes a socket whose WebSockets do not open, and closes it when the test ends.
async function blocked(t, Kind, options = {}, address = url) {
  fakeTime(t)
  const net = network()
  const gate = gateway()
  const states = []
  const gaps = []
  const socket = new Kind(address, { WebSocket: net.WebSocket, fetch: gate.fetch, fallback: true, ...options })
  socket.addEventListener("state", (e) => states.push(`${e.state} ${e.carrier}`))
  socket.addEventListener("gap", (e) => gaps.push(`${e.reason} ${e.missed}`))
  t.after(() => socket.close({ linger: 0 }))
  await settle()
  net.last.end()
  await later(100)
  net.last.end()
  await turn()
  return { socket, net, gate, states, gaps }
}

// fallen is a blocked socket that has reached its gateway. Its requests follow.
async function fallen(t, Kind, options, address) {
  const all = await blocked(t, Kind, options, address)
  assert.equal(all.gate.last.method, "OPTIONS")
  all.gate.last.answer(204)
  await turn()
  all.gate.asked.length = 0
  return all
}

const bodies = (gate) => gate.asked.map((request) => request.text)

test("after two attempts that do not open, the gateway is asked", async (t) => {
  const { socket, net, gate, states } = await blocked(t, Req)
  assert.equal(net.made.length, 2)
  assert.deepEqual([gate.last.method, gate.last.url], ["OPTIONS", "http://host/path"])
  assert.equal(socket.stats().open, 0)
  gate.last.answer(204)
  await turn()
  assert.equal(socket.stats().open, 1)
  assert.deepEqual(states, ["connecting websocket", "waiting websocket", "connecting websocket", "connecting http", "open http"])
  const reply = socket.request("question")
  await turn()
  assert.deepEqual([gate.last.method, gate.last.url, gate.last.text], ["POST", "http://host/path", "question"])
  assert.equal(gate.last.headers["spry-timeout"], "60000ms")
  gate.last.answer(200, "answer")
  assert.equal((await reply).text(), "answer")
  assert.equal(gate.asked.length, 2)
})

test("an attempt that neither opens nor fails for long is enough", async (t) => {
  fakeTime(t)
  const net = network()
  const gate = gateway()
  const push = new Push("wss://host/path?token=1", { ...net, fetch: gate.fetch, fallback: "/gateway" })
  await settle()
  await later(4990)
  assert.equal(gate.asked.length, 0)
  await later(20)
  assert.equal(net.made.length, 1)
  assert.ok(net.last.closed)
  assert.equal(gate.last.url, "https://host/gateway")
  net.last.open() // too late
  await turn()
  assert.equal(push.stats().open, 0)
  await push.close({ linger: 0 })
})

test("without a gateway, each attempt begins with a WebSocket", async (t) => {
  const { socket, net, gate, states } = await blocked(t, Push)
  gate.last.answer(404)
  await later(400)
  assert.equal(net.made.length, 3)
  assert.equal(gate.asked.length, 1)
  net.last.end()
  await turn()
  assert.equal(gate.asked.length, 2) // one is enough now
  gate.last.fail()
  await later(800)
  assert.equal(net.made.length, 4)
  net.last.open()
  await turn()
  assert.equal(socket.stats().open, 1)
  assert.deepEqual(states.slice(-2), ["connecting websocket", "open websocket"])
  await socket.send("by WebSocket")
  assert.deepEqual(net.last.texts, ["by WebSocket"])
})

test("a gateway that does not answer is given up", async (t) => {
  const { gate, states } = await blocked(t, Push)
  await later(10_000)
  assert.ok(gate.asked[0].signal.aborted)
  assert.ok(states.includes("waiting http"))
})

test("requests that the gateway cannot serve now are sent again, others are refused or wait", async (t) => {
  const { socket, gate, states } = await fallen(t, Req)
  const first = socket.request("first")
  const second = rejected(socket.request("second"))
  await turn()
  assert.deepEqual(bodies(gate), ["first", "second"])
  gate.asked[0].answer(503, "", { "Retry-After": "3" })
  gate.asked[1].answer(413)
  const refused = await second
  assert.equal(refused.code, "refused")
  assert.match(refused.message, /413/)
  await later(2990)
  assert.equal(gate.asked.length, 2)
  await later(1000)
  assert.equal(gate.asked.length, 3)
  for (const status of [429, 504, 408]) {
    gate.last.answer(status)
    await later(1000)
    assert.equal(gate.last.text, "first", status)
  }
  assert.equal(gate.asked.length, 6)
  assert.equal(socket.stats().open, 1)
  gate.last.answer(403)
  await turn()
  assert.equal(socket.stats().open, 0)
  await later(500)
  assert.equal(states.at(-1), "connecting http")
  assert.equal(gate.last.method, "OPTIONS")
  gate.last.answer(204)
  await turn()
  gate.last.answer(200, "reply")
  assert.equal((await first).text(), "reply")
})

test("requests are asked again when their connections break", async (t) => {
  const { socket, gate } = await fallen(t, Req)
  const replies = ["a", "b"].map((body) => socket.request(body))
  await turn()
  gate.asked[0].fail()
  await turn()
  assert.ok(gate.asked[1].signal.aborted)
  await later(200)
  gate.last.answer(204)
  await turn()
  const again = gate.asked.filter((request) => request.method === "POST").slice(2)
  assert.deepEqual(
    again.map((request) => request.text),
    ["a", "b"],
  )
  for (const request of again) request.answer(200, request.text.toUpperCase())
  assert.deepEqual(
    (await Promise.all(replies)).map((reply) => reply.text()),
    ["A", "B"],
  )
})

test("a request that is aborted, or takes long, is aborted at the gateway", async (t) => {
  const { socket, gate } = await fallen(t, Req, { retryAfter: 1000 })
  const abort = new AbortController()
  const aborted = rejected(socket.request("a", { signal: abort.signal }))
  await turn()
  abort.abort(new Error("enough"))
  assert.equal((await aborted).message, "enough")
  assert.ok(gate.last.signal.aborted)
  assert.equal(socket.stats().open, 1)
  const reply = socket.request("b")
  await later(1300)
  assert.equal(gate.asked.length, 3)
  assert.ok(gate.asked[1].signal.aborted)
  gate.last.answer(200, "B")
  assert.equal((await reply).text(), "B")
})

test("replies that are too large are refused", async (t) => {
  const { socket, gate } = await fallen(t, Req, { maxMessageSize: 10 })
  const large = rejected(socket.request("a"))
  const good = socket.request("b")
  await turn()
  gate.asked[0].answer(200, "12345678901")
  gate.asked[1].answer(200, "1234567890")
  assert.equal((await large).code, "refused")
  assert.equal((await good).text(), "1234567890")
})

test("requests wait while too much is under way", async (t) => {
  const { socket, gate } = await fallen(t, Req, { bufferedBytes: 100 })
  const replies = ["a", "b", "c"].map((body) => socket.request(body))
  await turn()
  assert.deepEqual(bodies(gate), ["a", "b"])
  gate.asked[0].answer(200)
  await turn()
  assert.deepEqual(bodies(gate), ["a", "b", "c"])
  for (const request of gate.asked) request.answer(200)
  await Promise.all(replies)
})

test("a Push sends messages one after the other, and those that the gateway has no room for again", async (t) => {
  const { socket, gate } = await fallen(t, Push)
  const body = new Uint8Array([97])
  const sent = [socket.send(body), socket.send("b"), socket.send("c")]
  body[0] = 0
  await Promise.all(sent)
  await turn()
  assert.deepEqual(bodies(gate), ["a"])
  assert.equal(gate.last.headers["spry-timeout"], "15000ms")
  gate.last.answer(503, "", { "Retry-After": "1" })
  await later(900)
  assert.equal(gate.asked.length, 1)
  await later(400)
  assert.deepEqual(bodies(gate), ["a", "a"])
  for (const status of [202, 413, 202]) {
    gate.last.answer(status)
    await turn()
  }
  assert.deepEqual(bodies(gate), ["a", "a", "b", "c"])
  const { sent: count, dropped, unconfirmed } = socket.stats()
  assert.deepEqual([count, dropped, unconfirmed], [3, { too_large: 1 }, 0])
})

test("messages that the gateway may not have are counted, and those behind them go on", async (t) => {
  const { socket, gate } = await fallen(t, Push)
  for (const body of ["a", "b", "c"]) await socket.send(body)
  await turn()
  gate.last.fail()
  await turn()
  assert.equal(socket.stats().unconfirmed, 1)
  await later(200)
  gate.last.answer(204)
  await turn()
  assert.equal(gate.last.text, "b")
  gate.last.answer(403) // it has not taken it
  await later(400)
  assert.equal(gate.last.method, "OPTIONS")
  gate.last.answer(204)
  await turn()
  assert.equal(gate.last.text, "b")
  gate.last.answer(502) // it may have
  await later(800)
  gate.last.answer(204)
  await turn()
  assert.equal(gate.last.text, "c")
  gate.last.answer(202)
  await turn()
  const { unconfirmed, dropped, sent } = socket.stats()
  assert.deepEqual([unconfirmed, dropped, sent], [2, {}, 3])
})

test("sends wait while too much is under way, and close waits for what was taken", async (t) => {
  const { socket, gate } = await fallen(t, Push, { bufferedBytes: 100 })
  await socket.send("a")
  await socket.send("b")
  const third = socket.send("c")
  assert.equal(socket.stats().sending, 1)
  gate.last.answer(202)
  await third
  let over = false
  const closed = socket.close({ linger: 5000 }).then(() => (over = true))
  await later(100)
  assert.deepEqual(bodies(gate), ["a", "b"])
  gate.last.answer(202)
  await later(100)
  assert.equal(over, false)
  gate.last.answer(202)
  await later(100)
  await closed
  assert.deepEqual(bodies(gate), ["a", "b", "c"])
  assert.deepEqual(socket.stats().dropped, {})
})

test("a close that is in a hurry counts what is left", async (t) => {
  const { socket } = await fallen(t, Push)
  for (const body of ["a", "b", "c"]) await socket.send(body)
  await turn()
  await socket.close({ linger: 0 })
  const { unconfirmed, dropped } = socket.stats()
  assert.deepEqual([unconfirmed, dropped], [1, { closed: 2 }])
})

test("a Pub drops what there is no room for", async (t) => {
  const { socket, gate } = await fallen(t, Pub, { bufferedBytes: 100 })
  for (const body of ["a", "b", "c"]) socket.send(body)
  await turn()
  assert.deepEqual(socket.stats().dropped, { overflow: 1 })
  for (let i = 0; i < 2; i++) {
    gate.last.answer(202)
    await turn()
  }
  assert.deepEqual(bodies(gate), ["a", "b"])
})

test("a Sub reads events, and goes on where it was", async (t) => {
  const { socket, gate, states, gaps } = await blocked(t, Sub, { topics: ["a", "é&"] })
  assert.equal(gate.last.method, "GET")
  assert.equal(gate.last.url, "http://host/path?topic=%61&topic=%c3%a9%26")
  assert.equal(gate.last.headers["last-event-id"], undefined)
  gate.last.begin()
  await turn()
  assert.equal(states.at(-1), "open http")
  gate.last.push('retry: 1000\nid: e-7\n\nid: e-8\ndata: {"body":"a 1"}\n\nid: e-9\ndata: {"body_base')
  gate.last.push('64":"YQD/"}\n\nid: e-10\ndata: {"body":"b"}\n\nid: e-11\ndata: {"frames":[{"body":"a"}]}\n\ndata: nonsense\n\n')
  assert.equal((await socket.recv()).text(), "a 1")
  assert.deepEqual([...(await socket.recv()).bytes], [97, 0, 255])
  await turn()
  gate.last.end()
  await turn()
  assert.equal(states.at(-1), "waiting http")
  await later(990)
  assert.equal(gate.asked.length, 1)
  await later(270)
  assert.equal(gate.last.headers["last-event-id"], "e-11")
  gate.last.begin()
  await turn()
  gate.last.push('id: e-12\nevent: gap\ndata: {"epoch":"e","missed":3}\n\n')
  gate.last.push('id: f-0\nevent: gap\ndata: {"epoch":"f"}\n\nid: f-1\ndata: {"body":"a 2"}\n\n')
  assert.equal((await socket.recv()).text(), "a 2")
  assert.deepEqual(gaps, ["missed 3", "missed 0"])
  const { received, filtered, dropped, connections } = socket.stats()
  assert.deepEqual([received, filtered, dropped, connections], [4, 1, { multipart: 1, envelope: 1 }, 2])
})

test("other topics ask for the events again, from the same place", async (t) => {
  const { socket, gate, states, gaps } = await blocked(t, Sub)
  assert.equal(gate.last.url, "http://host/path")
  gate.last.begin()
  gate.last.push("id: e-7\n\n")
  await turn()
  socket.subscribe("a")
  await turn()
  assert.equal(gate.asked.length, 2)
  assert.ok(gate.asked[0].signal.aborted)
  assert.deepEqual([gate.last.url, gate.last.headers["last-event-id"]], ["http://host/path?topic=%61", "e-7"])
  socket.subscribe("a")
  await turn()
  assert.equal(gate.asked.length, 2)
  gate.last.begin()
  gate.last.push('id: e-8\ndata: {"body":"abc"}\n\n')
  assert.equal((await socket.recv()).text(), "abc")
  for (let i = 0; i < 64; i++) socket.subscribe(`topic ${i}`) // more than a gateway takes
  await turn()
  assert.equal(gate.last.url, "http://host/path")
  assert.equal(states.filter((state) => state === "open http").length, 1)
  assert.deepEqual(gaps, [])
})

test("events that stop coming are asked for again", async (t) => {
  const { gate, states } = await blocked(t, Sub, { topics: [""] })
  gate.last.begin()
  gate.last.push("id: e-7\n\n")
  await turn()
  for (let i = 0; i < 5; i++) {
    await later(40_000)
    gate.last.push(":\n\n")
    await turn()
  }
  assert.equal(gate.asked.length, 1)
  await later(45_200)
  assert.equal(states.filter((state) => state === "waiting http").length, 1)
  assert.ok(gate.asked[0].signal.aborted)
})

for (const [what, data] of Object.entries({ "a body": `{"body":"${"x".repeat(11)}"}`, "an event": "x".repeat(2000) })) {
  test(`${what} that is too large ends the connection, and is not asked for again`, async (t) => {
    const { socket, gate } = await blocked(t, Sub, { topics: [""], maxMessageSize: 10 })
    gate.last.begin()
    gate.last.push(`id: e-7\ndata: {"body":"good"}\n\nid: e-8\ndata: ${data}\n\n`)
    assert.equal((await socket.recv()).text(), "good")
    await turn()
    assert.equal(socket.stats().open, 0)
    await later(400)
    assert.equal(gate.last.headers["last-event-id"], "e-8")
  })
}

test("a Pull that is full ends the stream, and goes on without a loss", async (t) => {
  const { socket, gate, gaps } = await blocked(t, Pull, { recvQueueBytes: 200 })
  gate.last.begin()
  gate.last.push([1, 2, 3, 4, 5, 6].map((i) => `id: e-${i}\ndata: {"body":"${i}"}\n\n`).join(""))
  await later(20_000)
  assert.equal(socket.queued, 4)
  assert.equal(gate.asked.length, 1)
  for (let i = 1; i <= 4; i++) assert.equal((await socket.recv()).text(), `${i}`)
  await turn()
  assert.equal(gate.last.headers["last-event-id"], "e-4")
  gate.last.begin()
  gate.last.push('id: e-5\ndata: {"body":"5"}\n\n')
  assert.equal((await socket.recv()).text(), "5")
  assert.deepEqual(gaps, [])
})

test("what is no stream of events is no gateway", async (t) => {
  const { socket, gate, states } = await blocked(t, Sub, { topics: [""] })
  gate.last.answer(200, "<p>", { "Content-Type": "text/html" })
  await turn()
  assert.equal(states.at(-1), "waiting http")
  assert.equal(socket.stats().connections, 0)
  await later(300)
  assert.equal(states.at(-1), "connecting websocket")
})

test("a surveyor reads lines as they come", async (t) => {
  const { socket, gate } = await fallen(t, Surveyor)
  const survey = socket.survey("question", { timeout: 700 })
  await turn()
  assert.deepEqual([gate.last.text, gate.last.headers["spry-timeout"]], ["question", "700ms"])
  gate.last.begin("application/x-ndjson")
  gate.last.push('{"body":"one"}\n{"body":')
  const answers = survey[Symbol.asyncIterator]()
  assert.equal((await answers.next()).value.text(), "one")
  gate.last.push('"two"}\nnonsense\n')
  assert.equal((await answers.next()).value.text(), "two")
  await later(700)
  assert.equal((await answers.next()).done, true)
  assert.ok(gate.last.signal.aborted)
  assert.deepEqual(socket.stats().dropped, { envelope: 1 })
  socket.survey("nobody")
  await turn()
  gate.last.answer(503)
  await turn()
  assert.equal(socket.stats().open, 1)
  socket.survey("forbidden")
  await turn()
  gate.last.answer(403)
  await turn()
  assert.equal(socket.stats().open, 0)
})

test("a WebSocket that opens again takes the place of the gateway, and replies still come from there", async (t) => {
  const { socket, net, gate, states } = await fallen(t, Req)
  const first = socket.request("first")
  await turn()
  await later(61_000)
  assert.equal(net.made.length, 3)
  net.last.end()
  await later(119_000)
  assert.equal(net.made.length, 3) // less often
  gate.asked.at(-1).answer(504)
  await later(2000)
  assert.equal(net.made.length, 4)
  net.last.open()
  await turn()
  assert.equal(states.at(-1), "open websocket")
  assert.equal(socket.stats().open, 1)
  const second = socket.request("second")
  const [frame] = net.last.sent
  net.last.receive([...frame.slice(0, 4), 50])
  assert.equal((await second).text(), "2")
  gate.last.answer(200, "1")
  assert.equal((await first).text(), "1")
  await later(200_000)
  assert.equal(net.made.length, 4)
  assert.equal(net.last.sent.length, 1)
})

test("requests at the gateway that a WebSocket has taken the place of are asked again when that breaks, and end with the socket", async (t) => {
  const { socket, net, gate } = await fallen(t, Req)
  const first = socket.request("first")
  const second = rejected(socket.request("second"))
  await later(60_010)
  net.last.open()
  await turn()
  assert.equal(net.last.sent.length, 0)
  gate.asked[0].fail()
  await turn()
  assert.equal(net.last.sent.length, 2)
  assert.ok(gate.asked[1].signal.aborted)
  net.last.receive([...net.last.sent[0].slice(0, 4), 49])
  assert.equal((await first).text(), "1")
  await socket.close({ linger: 0 })
  assert.equal((await second).code, "closed")
})

test("a socket that is closed ends what is under way beside its WebSocket", async (t) => {
  const { socket, net, gate } = await fallen(t, Surveyor)
  socket.survey("question", { timeout: 100_000 })
  await later(60_010)
  net.last.open()
  await turn()
  assert.equal(gate.asked[0].signal.aborted, false)
  await socket.close({ linger: 0 })
  assert.ok(gate.asked[0].signal.aborted)
  assert.equal(net.last.closed.code, 1000)
})

test("a gateway that is lost takes the attempt beside it along", async (t) => {
  const { socket, net, gate, states } = await fallen(t, Push)
  await later(60_010)
  assert.equal(net.made.length, 3)
  await socket.send("a")
  await turn()
  gate.last.answer(403)
  await turn()
  assert.ok(net.last.closed)
  assert.equal(states.at(-1), "waiting http")
})

test("a gateway that is not there any more is asked no more", async (t) => {
  const { socket, net, gate, states } = await fallen(t, Push)
  await socket.send("a")
  await turn()
  gate.last.answer(403)
  await later(400)
  assert.equal(states.at(-1), "connecting http") // WebSockets were blocked a moment ago
  gate.last.fail()
  await later(800)
  assert.equal(states.at(-1), "connecting websocket")
  net.last.open()
  await turn()
  assert.deepEqual(net.last.texts, ["a"])
})

test("no gateway has a client wait for hours", async (t) => {
  for (const after of ["100000", "Tue, 01 Jan 2036 00:00:00 GMT"]) {
    const { socket, gate } = await fallen(t, Push)
    await socket.send("a")
    await turn()
    gate.last.answer(503, "", { "Retry-After": after })
    await later(299_000)
    assert.equal(gate.asked.length, 1)
    await later(80_000)
    assert.deepEqual(bodies(gate).slice(0, 2), ["a", "a"])
    await socket.close({ linger: 0 })
    mock.timers.reset()
  }
})

test("messages move to a WebSocket in order, none twice", async (t) => {
  const { socket, net, gate } = await fallen(t, Push)
  await later(59_990)
  for (const body of ["a", "b"]) await socket.send(body)
  await later(20)
  net.last.open()
  await socket.send("c")
  await turn()
  assert.deepEqual([bodies(gate), net.last.texts], [["a"], []])
  gate.last.answer(202)
  await turn()
  await socket.send("d")
  assert.deepEqual([bodies(gate), net.last.texts], [["a"], ["b", "c", "d"]])
  const { sent, unconfirmed, open, dropped } = socket.stats()
  assert.deepEqual([sent, unconfirmed, open, dropped], [4, 0, 1, {}])
})

test("a message that only waits moves at once", async (t) => {
  const { socket, net, gate } = await fallen(t, Push)
  await later(59_000)
  await socket.send("a")
  await turn()
  gate.last.answer(503, "", { "Retry-After": "100" })
  await later(1100)
  net.last.open()
  await turn()
  assert.deepEqual([bodies(gate), net.last.texts], [["a"], ["a"]])
})

test("a WebSocket that ends before it has taken its place changes nothing", async (t) => {
  const { socket, net, gate } = await fallen(t, Push)
  await later(59_990)
  for (const body of ["a", "b"]) await socket.send(body)
  await later(20)
  net.last.open()
  await turn()
  net.last.end()
  gate.last.answer(202)
  await turn()
  assert.deepEqual(bodies(gate), ["a", "b"])
  gate.last.answer(202)
  await turn()
  assert.equal(socket.stats().open, 1)
  await later(121_000)
  assert.equal(net.made.length, 4)
})

test("a gateway that is lost while a WebSocket is about to take its place", async (t) => {
  const { socket, net, gate, states } = await fallen(t, Push)
  await later(59_990)
  for (const body of ["a", "b"]) await socket.send(body)
  await later(20)
  net.last.open()
  await turn()
  gate.last.fail()
  await turn()
  assert.equal(states.at(-1), "open websocket")
  assert.deepEqual(net.last.texts, ["b"])
  assert.equal(socket.stats().unconfirmed, 1)
})

test("events are not interrupted for a WebSocket, which is tried when they end", async (t) => {
  const { socket, net, gate, states, gaps } = await blocked(t, Sub, { topics: [""] })
  for (let i = 0; i < 3; i++) {
    gate.last.begin()
    gate.last.push(`id: e-${i}\n\n`)
    await later(25_000)
    gate.last.push(":\n\n")
    await turn()
    assert.equal(net.made.length, 2)
    gate.last.end()
    await later(120)
  }
  assert.equal(net.made.length, 3)
  assert.deepEqual(gaps, [])
  net.last.open()
  await turn()
  assert.deepEqual(gaps, ["reconnected 0"])
  net.last.receiveText("by WebSocket")
  assert.equal((await socket.recv()).text(), "by WebSocket")
  net.last.end()
  await later(5000)
  net.last.end() // one is not enough any more
  await turn()
  assert.equal(states.at(-1), "waiting websocket")
  await later(5000)
  net.last.end()
  await turn()
  assert.equal(states.at(-1), "connecting http")
  assert.equal(gate.last.headers["last-event-id"], undefined) // what came since then has no ids
  gate.last.begin()
  await turn()
  assert.deepEqual(gaps, ["reconnected 0", "reconnected 0"])
})

test("the address is asked for before a WebSocket is tried", async (t) => {
  let n = 0
  const { net, gate } = await fallen(t, Req, {}, () => `${url}?token=${++n}`)
  assert.equal(n, 2)
  await later(61_000)
  assert.equal(net.last.url, `${url}?token=3`)
  assert.equal(gate.asked.length, 0)
})

test("only some sockets have a fallback, and it is a URL", () => {
  const net = network()
  for (const Kind of [Rep, Pair, Bus, Respondent]) assert.throws(() => new Kind(undefined, { ...net, fallback: true }), { code: "config" })
  assert.throws(() => new Req(undefined, { ...net, fallback: "ftp://host/" }), { code: "config" })
  new Req(undefined, { WebSocket: undefined, fallback: new URL("https://host/ask") }).close()
})

test("a reply with a foreign id is none", async (t) => {
  const { socket, net } = await fallen(t, Req)
  await later(61_000)
  net.last.open()
  await turn()
  net.last.receive(word(0x80000001))
  assert.deepEqual(socket.stats().dropped, { stale: 1 })
})

// A Push whose gateway is a server of Node, with the global fetch.
async function pushTo(t, answer) {
  const heard = []
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      heard.push(`${request.method} ${request.url}`)
      answer(request, response)
      response.end()
    })
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  const Blocked = class {
    constructor() {
      throw new Error("blocked")
    }
  }
  const socket = new Push(`ws://127.0.0.1:${server.address().port}/send`, {
    WebSocket: Blocked,
    fallback: true,
    backoff: { min: 1, max: 5 },
  })
  t.after(async () => {
    await socket.close({ linger: 0 })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { socket, heard }
}

/** ended resolves when a connection has ended. */
const ended = (socket) => new Promise((resolve) => socket.addEventListener("state", (e) => e.state === "waiting" && resolve(e.reason)))

test("a message whose request is redirected is not sent, and moves to the next connection", async (t) => {
  let signedIn = false
  const { socket, heard } = await pushTo(t, (request, response) => {
    if (request.method === "OPTIONS") response.writeHead(204)
    else if (request.url === "/login") response.writeHead(200)
    else if (signedIn) response.writeHead(202)
    else response.writeHead(302, { Location: "/login" })
  })
  await socket.ready()
  const end = ended(socket)
  await socket.send("a")
  assert.match(await end, /302/)
  signedIn = true
  await socket.close({ linger: 10_000 })
  assert.ok(!heard.includes("GET /login"), heard.join())
  const { dropped, unconfirmed } = socket.stats()
  assert.deepEqual([dropped, unconfirmed], [{}, 0])
})

test("a server that is no gateway has not taken a message, though it answers 200", async (t) => {
  const { socket, gate } = await fallen(t, Push)
  await socket.send("a")
  await turn()
  gate.last.answer(200, "<p>")
  await turn()
  assert.equal(socket.stats().open, 0)
  await later(400)
  gate.last.answer(204)
  await turn()
  assert.equal(gate.last.text, "a")
  gate.last.answer(202)
  await turn()
  const { open, unconfirmed } = socket.stats()
  assert.deepEqual([open, unconfirmed], [1, 0])
})

for (const [what, id] of Object.entries({ long: "7".repeat(257), "of other letters": "é€" })) {
  test(`an id that is ${what} is not sent back, and there is a gap`, async (t) => {
    const { socket, gate, gaps } = await blocked(t, Sub, { topics: [""] })
    gate.last.begin()
    gate.last.push(`id: ${id}\ndata: {"body":"good"}\n\n`)
    assert.equal((await socket.recv()).text(), "good")
    gate.last.end()
    await later(400)
    assert.equal(gate.asked.length, 2)
    assert.equal(gate.last.headers["last-event-id"], undefined)
    gate.last.begin()
    await turn()
    assert.deepEqual(gaps, ["reconnected 0"])
  })
}

test("requests that wait when the socket is closed are not sent", async (t) => {
  const { socket, gate } = await fallen(t, Req, { bufferedBytes: 100 })
  const over = ["a", "b", "c"].map((body) => rejected(socket.request(body)))
  await turn()
  await socket.close({ linger: 0 })
  for (const reason of await Promise.all(over)) assert.equal(reason.code, "closed")
  assert.deepEqual(bodies(gate), ["a", "b"])
  const { sent, dropped } = socket.stats()
  assert.deepEqual([sent, dropped], [2, { closed: 1 }])
})

test("a survey that is too large is counted", async (t) => {
  const { socket, gate } = await fallen(t, Surveyor)
  const survey = socket.survey("question")
  await turn()
  gate.last.answer(413)
  await turn()
  assert.equal(socket.stats().open, 1)
  assert.deepEqual(socket.stats().dropped, { too_large: 1 })
  await later(1000)
  assert.deepEqual(await survey.all(), [])
})

test("a line of answers that is cut is one drop, and nothing after it is read", async (t) => {
  const { socket, gate } = await fallen(t, Surveyor, { maxMessageSize: 10 })
  const survey = socket.survey("question")
  await turn()
  gate.last.begin("application/x-ndjson")
  gate.last.push("x".repeat(1000))
  gate.last.push(`${"x".repeat(1000)}\n{"body":"late"}\n`)
  await later(1000)
  assert.deepEqual(await survey.all(), [])
  assert.deepEqual(socket.stats().dropped, { too_large: 1 })
})

test("the wait for the headers is no silence", async (t) => {
  const { socket, gate } = await blocked(t, Sub, { topics: [""], idleTimeout: 1000 })
  await later(3000)
  assert.equal(gate.asked.length, 1)
  gate.last.begin()
  await turn()
  assert.equal(socket.stats().open, 1)
  await later(1100)
  assert.equal(socket.stats().open, 0)
})
