// SPDX-License-Identifier: MIT
//
// A peer with npm's zeromq, which has libzmq's draft types. It does what it is told as ../python/zmqpeer.py does, which
// describes the commands and how frames are written. A group of RADIO and DISH is a first frame.
"use strict"

const { createRequire } = require("node:module")
const { describe, expand, run } = require("./script.js")

const installed = createRequire(process.argv[2] + "/")
const zmq = installed("zeromq")
const draft = installed("zeromq/draft")

const patienceMs = 55000
const types = {
  REQ: zmq.Request, REP: zmq.Reply, DEALER: zmq.Dealer, ROUTER: zmq.Router, PUB: zmq.Publisher, SUB: zmq.Subscriber,
  XPUB: zmq.XPublisher, XSUB: zmq.XSubscriber, PUSH: zmq.Push, PULL: zmq.Pull, PAIR: zmq.Pair,
  CLIENT: draft.Client, SERVER: draft.Server, RADIO: draft.Radio, DISH: draft.Dish, SCATTER: draft.Scatter, GATHER: draft.Gather,
}
const optionNames = {
  IDENTITY: "routingId", CURVE_SERVER: "curveServer", CURVE_PUBLICKEY: "curvePublicKey", CURVE_SECRETKEY: "curveSecretKey",
  CURVE_SERVERKEY: "curveServerKey", PLAIN_SERVER: "plainServer", PLAIN_USERNAME: "plainUsername", PLAIN_PASSWORD: "plainPassword",
}
const sockets = {}

// Who is let in, by passwords and by keys in Z85.
let known = { passwords: {}, keys: [] }

// z85 writes 32 bytes in the alphabet of ZeroMQ's keys.
function z85(bytes) {
  const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
  let text = ""
  for (let at = 0; at < bytes.length; at += 4) {
    let value = bytes.readUInt32BE(at), word = ""
    for (let i = 0; i < 5; i++, value = Math.floor(value / 85)) word = digits[value % 85] + word
    text += word
  }
  return text
}

// Answers libzmq's questions of who is let in, by ZAP (rfc.zeromq.org/spec/27). The socket lives as long as the process, because
// the name is taken for a while after a socket with it was closed.
let authenticator
async function authenticate() {
  if (authenticator) return
  authenticator = new zmq.Reply({ linger: 0 })
  await authenticator.bind("inproc://zeromq.zap.01")
  ;(async () => {
    for await (const [version, id, , , , mechanism, ...credentials] of authenticator) {
      const [name, password] = credentials.map(String)
      const right = {
        NULL: () => true, PLAIN: () => known.passwords[name] === password, CURVE: () => known.keys.includes(z85(credentials[0])),
      }[mechanism]()
      // Without a user's id: a DISH takes one for a message without a group, and ends the connection.
      await authenticator.send([version, id, right ? "200" : "400", right ? "OK" : "who is that?", "", ""])
    }
  })()
}

async function receive(s) {
  const parts = await s.receive()
  if (s instanceof draft.Dish) return [Buffer.from(parts[1].group), parts[0]]
  return parts
}

const commands = {
  authenticate({ passwords = {}, keys = [] }) {
    known = { passwords, keys }
    return authenticate()
  },
  open({ socket, type, options = {} }) {
    const s = new types[type]({ linger: patienceMs, reconnectInterval: 20 })
    const unlimited = ["sendHighWaterMark", "receiveHighWaterMark"]
    for (const name of unlimited) if (name in s) s[name] = 0
    if ("receiveTimeout" in s) s.receiveTimeout = patienceMs
    if ("sendTimeout" in s) s.sendTimeout = patienceMs
    for (const [name, value] of Object.entries(options)) {
      const bytes = typeof value === "string" && value.startsWith("x:") ? expand(value).toString("latin1") : value
      s[optionNames[name]] = name.endsWith("_SERVER") ? Boolean(value) : bytes
    }
    sockets[socket] = s
  },
  bind: ({ socket, url }) => sockets[socket].bind(url),
  connect: ({ socket, url }) => sockets[socket].connect(url),
  close({ socket }) {
    sockets[socket].linger = 0
    sockets[socket].close()
    delete sockets[socket]
  },
  async subscribe({ socket, topics }) {
    const s = sockets[socket]
    if (s instanceof draft.Dish) return s.join(...topics)
    if (s instanceof zmq.Subscriber) return s.subscribe(...topics)
    for (const topic of topics) await s.send(Buffer.concat([Buffer.from([1]), Buffer.from(topic)]))
  },
  send({ socket, frames }) {
    const s = sockets[socket], parts = frames.map(expand)
    if (s instanceof draft.Radio) return s.send(parts[1], { group: parts[0] })
    return s.send(parts.length === 1 ? parts[0] : parts)
  },
  async recv({ socket, count = 1 }) {
    const messages = []
    while (messages.length < count) messages.push((await receive(sockets[socket])).map(describe))
    return messages
  },
  async echo({ socket, count = 1 }) {
    const s = sockets[socket]
    for (; count > 0; count--) {
      const parts = await s.receive()
      if (s instanceof draft.Server) await s.send(parts[0], parts[1])
      else await s.send(parts.length === 1 ? parts[0] : parts)
    }
  },
}

run(commands, () => {
  for (const socket of Object.keys(sockets)) commands.close({ socket })
  known = { passwords: {}, keys: [] }
})
