// SPDX-License-Identifier: MIT
//
// speed.mjs WS JSZMQ SCRIPT [ROUNDS]
//
// Compares Spry's client for browsers with npm's ws alone, on which it runs in Node, and with jszmq: messages of 64 bytes to a server and from one,
// one process each. WS and JSZMQ are folders with these packages, SCRIPT is the client. Not a test: run it on an idle machine, on one processor.

import { fork } from "node:child_process"
import { createRequire } from "node:module"
import { fileURLToPath, pathToFileURL } from "node:url"

const [ws, jszmq, script, ...rest] = process.argv.slice(2)
const messages = 300_000
const warm = 50_000 // of them are not counted
const body = new Uint8Array(64)
const ahead = 256 << 10

const packages = {
  ws: () => createRequire(ws + "/")("ws"),
  jszmq: () => createRequire(jszmq + "/")("jszmq"),
  spry: () => import(pathToFileURL(script)),
}

// counter calls done with the rate of all messages but the first ones.
function counter(done) {
  let n = 0
  let began
  return () => {
    if (++n === warm) began = process.hrtime.bigint()
    if (n === messages) done((messages - warm) / (Number(process.hrtime.bigint() - began) / 1e9))
  }
}

const pause = () => new Promise((resolve) => setImmediate(resolve))

async function flood(socket) {
  for (let i = 0; i < messages; i++) {
    socket.send(body)
    if (i % 64 === 0) while (socket.bufferedAmount > ahead) await pause()
  }
}

// The servers: "in" takes messages, "out" sends them.
const servers = {
  async ws(direction, done) {
    const { WebSocketServer } = packages.ws()
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: ([first]) => first })
    server.on("connection", (socket) => {
      const count = counter(done)
      if (direction === "in") socket.on("message", count)
      else flood(socket)
    })
    await new Promise((resolve) => server.on("listening", resolve))
    return `ws://127.0.0.1:${server.address().port}/`
  },
  async jszmq(direction, done) {
    const { Push, Pull } = packages.jszmq()
    const url = `ws://127.0.0.1:${20000 + (process.pid % 20000)}`
    const socket = direction === "in" ? new Pull() : new Push()
    socket.bind(url)
    if (direction === "in") socket.on("message", counter(done))
    else setTimeout(() => sendAll(socket), 300)
    return url
  },
}

async function sendAll(socket) {
  for (let i = 0; i < messages; i++) {
    socket.send(Buffer.from(body))
    if (i % 1000 === 0) await pause()
  }
}

const clients = {
  async ws(direction, url, done) {
    const { WebSocket } = packages.ws()
    const socket = new WebSocket(url, [direction === "in" ? "pull.sp.nanomsg.org" : "push.sp.nanomsg.org"])
    if (direction === "out") socket.onmessage = counter(done)
    else socket.onopen = () => flood(socket)
  },
  async spry(direction, url, done) {
    const { Push, Pull } = await packages.spry()
    const { WebSocket } = packages.ws()
    if (direction === "in") {
      const push = new Push(url, { WebSocket })
      for (let i = 0; i < messages; i++) await push.send(body)
    } else {
      const count = counter(done)
      for await (const _ of new Pull(url, { WebSocket, recvQueueBytes: 1 << 30 })) count()
    }
  },
  async jszmq(direction, url, done) {
    const { Push, Pull } = packages.jszmq()
    const socket = direction === "in" ? new Push() : new Pull()
    socket.connect(url)
    if (direction === "out") socket.on("message", counter(done))
    else setTimeout(() => sendAll(socket), 300)
  },
}

async function round(client, direction) {
  const start = (role, ...args) =>
    fork(fileURLToPath(import.meta.url), [ws, jszmq, script], { env: { ...process.env, ROLE: JSON.stringify([role, ...args]) } })
  const server = start("server", client === "jszmq" ? "jszmq" : "ws", direction)
  let peer
  const rate = await new Promise((resolve) => {
    const listen = (m) => {
      if (m.url) {
        peer = start("client", client, direction, m.url)
        peer.on("message", listen)
      } else resolve(m.rate)
    }
    server.on("message", listen)
  })
  peer.kill()
  server.kill()
  return rate
}

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1]

if (process.env.ROLE) {
  const [role, kind, direction, url] = JSON.parse(process.env.ROLE)
  const done = (rate) => process.send({ rate })
  if (role === "client") await clients[kind](direction, url, done)
  else process.send({ url: await servers[kind](direction, done) })
} else {
  for (const direction of ["in", "out"]) {
    const rates = { ws: [], spry: [], jszmq: [] }
    for (let i = 0; i < Number(rest[0] ?? 9); i++) for (const client of Object.keys(rates)) rates[client].push(await round(client, direction))
    for (const client of ["ws", "jszmq"]) {
      const ratios = rates.spry.map((rate, i) => rate / rates[client][i])
      console.log(`${direction === "in" ? "to" : "from"} the server, spry x ${client}: ${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`)
    }
    for (const client in rates) console.log(`  ${client}: ${Math.round(median(rates[client]))} messages a second`)
  }
}
