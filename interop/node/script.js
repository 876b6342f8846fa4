// SPDX-License-Identifier: MIT
//
// What the peers have in common that do what they are told, as ../python/zmqpeer.py does, which describes the commands and how
// frames are written.
"use strict"

const { createHash } = require("node:crypto")
const readline = require("node:readline")

const short = 64

exports.expand = function (frame) {
  const [kind, first, second] = frame.split(":")
  if (kind === "x") return Buffer.from(first, "hex")
  const size = Number(first), number = Number(second)
  const at = kind === "r" ? (k) => k * number : (k) => number + k * 7
  const period = Buffer.from(Array.from({ length: 256 }, (_, k) => at(k) & 255))
  const body = Buffer.alloc(size, period)
  if (kind === "n" && size >= 4) body.writeUInt32BE(number)
  return body
}

exports.describe = function (frame) {
  if (frame.length <= short) return "x:" + frame.toString("hex")
  return `s:${frame.length}:${createHash("sha256").update(frame).digest("hex")}`
}

// run obeys commands, which are functions by name. reset closes everything.
exports.run = async function (commands, reset) {
  console.log("ready")
  let n = 0
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { op, ...call } = JSON.parse(line)
    if (op === "reset") {
      reset()
      n = 0
      console.log("ready")
      continue
    }
    let result
    try {
      result = (await commands[op](call)) ?? null
    } catch (e) { // whatever it was, the test is told and decides
      result = { error: String(e) }
    }
    console.log(`${n++} ${JSON.stringify(result)}`)
  }
  process.exit(0)
}
