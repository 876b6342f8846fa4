// SPDX-License-Identifier: MIT
//
// wsecho.js MODULES dial|listen URL SUBPROTOCOL [CA CERTIFICATE KEY]
//
// Sends messages back by npm's ws. ../websocket/echo_test.go describes the commands among them. It prints "ready", and for
// each connection its number and the status with which it ended.
"use strict"

const fs = require("node:fs")
const http = require("node:http")
const https = require("node:https")
const { createRequire } = require("node:module")

const [modules, how, url, subprotocol, ca, certificate, key] = process.argv.slice(2)
const { WebSocket, WebSocketServer } = createRequire(modules + "/")("ws")

const piece = 1000
const retryMs = 20
let begun = 0

function send(ws, body, fragmented) {
  for (; fragmented && body.length > piece; body = body.subarray(piece)) ws.send(body.subarray(0, piece), { fin: false })
  ws.send(body)
}

function converse(ws, n) {
  const fragmented = n % 2 === 0
  const commands = {
    "!ping": () => ws.ping("answer this"),
    "!text": () => ws.send("text"),
    "!send": (size) => send(ws, Buffer.alloc(Number(size)), fragmented),
    "!close": (status) => ws.close(Number(status), "as told"),
  }
  ws.on("message", (body) => {
    const [verb, operand] = body.length < 64 ? body.toString().split(" ") : [""]
    if (commands[verb]) commands[verb](operand)
    else send(ws, body, fragmented)
  })
  ws.on("pong", () => send(ws, Buffer.from("pong"), false))
  ws.on("close", (status) => console.log(`${n} closed ${status}`))
  ws.on("error", () => {}) // what follows is "close"
}

function dial() {
  const ws = new WebSocket(url, [subprotocol], ca ? { ca: fs.readFileSync(ca) } : {})
  ws.on("open", () => converse(ws, ++begun))
  ws.on("error", () => {})
  ws.on("close", () => setTimeout(dial, retryMs))
}

function listen() {
  const at = new URL(url)
  const secure = at.protocol === "wss:"
  const server = secure
    ? https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) })
    : http.createServer()
  const choose = (offered) => (offered.has(subprotocol) ? subprotocol : false)
  new WebSocketServer({ server, handleProtocols: choose }).on("connection", (ws) => converse(ws, ++begun))
  server.listen(Number(at.port), at.hostname, () => console.log("ready"))
}

if (how === "listen") {
  listen()
} else {
  console.log("ready")
  dial()
}
process.stdin.on("end", () => process.exit(0)).resume()
