// SPDX-License-Identifier: MIT
//
// A peer with npm's jszmq. It does what it is told as ../python/zmqpeer.py does, which describes the commands and how frames are
// written.
"use strict"

const { once } = require("node:events")
const { createRequire } = require("node:module")
const { describe, expand, run } = require("./script.js")

const zmq = createRequire(process.argv[2] + "/")("jszmq")

const types = {
  REQ: zmq.Req, REP: zmq.Rep, DEALER: zmq.Dealer, ROUTER: zmq.Router, PUB: zmq.Pub, SUB: zmq.Sub, XPUB: zmq.XPub, XSUB: zmq.XSub,
  PUSH: zmq.Push, PULL: zmq.Pull, PAIR: zmq.Pair,
}
const sockets = {}

// A Queue holds what a socket has received, which jszmq tells by events.
class Queue {
  messages = []
  waiting = []

  put(message) {
    const next = this.waiting.shift()
    if (next) next(message)
    else this.messages.push(message)
  }

  async take() {
    if (this.messages.length > 0) return this.messages.shift()
    return new Promise((resolve) => this.waiting.push(resolve))
  }
}

const commands = {
  open({ socket, type, options = {} }) {
    const s = new types[type]()
    s.options.reconnectInterval = 20
    if (options && options.IDENTITY) s.options.routingId = expand(options.IDENTITY)
    const received = new Queue()
    s.on("message", (...frames) => received.put(frames))
    sockets[socket] = { s, received }
  },
  async bind({ socket, url }) {
    const { s } = sockets[socket]
    s.bind(url)
    await once(s.binds.at(-1).server, "listening")
  },
  connect: ({ socket, url }) => sockets[socket].s.connect(url),
  close({ socket }) {
    sockets[socket].s.close()
    delete sockets[socket]
  },
  subscribe({ socket, topics }) {
    const { s } = sockets[socket]
    for (const topic of topics) {
      if (s instanceof zmq.Sub) s.subscribe(topic)
      else s.send(Buffer.concat([Buffer.from([1]), Buffer.from(topic)]))
    }
  },
  send: ({ socket, frames }) => sockets[socket].s.send(frames.map(expand)),
  async recv({ socket, count = 1 }) {
    const messages = []
    while (messages.length < count) messages.push((await sockets[socket].received.take()).map(describe))
    return messages
  },
  async echo({ socket, count = 1 }) {
    const { s, received } = sockets[socket]
    for (; count > 0; count--) s.send(await received.take())
  },
}

// jszmq has no listener for the errors of connections, which would end the process. It connects again afterwards.
process.on("uncaughtException", (e) => {
  if (e.code !== "ECONNREFUSED" && e.code !== "ECONNRESET") throw e
})

run(commands, () => {
  for (const socket of Object.keys(sockets)) commands.close({ socket })
})
