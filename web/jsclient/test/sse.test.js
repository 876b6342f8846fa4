// SPDX-License-Identifier: MIT

import assert from "node:assert/strict"
import { test } from "node:test"

import { build } from "esbuild"

// The parser is no part of what the package exports.
const { outputFiles } = await build({ entryPoints: ["src/sse.ts"], bundle: true, format: "esm", write: false })
const { EventParser } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`)

const encoder = new TextEncoder()
const bytes = (text) => (typeof text === "string" ? encoder.encode(text) : Uint8Array.from(text))

/** parse cuts the text at these places. */
function parse(text, cuts = [], limit = 1000) {
  const parser = new EventParser(limit)
  const all = bytes(text)
  const events = []
  const places = [0, ...cuts, all.length]
  for (let i = 1; i < places.length; i++) events.push(...parser.push(all.subarray(places[i - 1], places[i])))
  return { parser, events }
}

const message = (data, id = "", type = "message") => ({ type, data, id })

const cases = {
  "a line of data": ["data: a\n\n", [message("a")]],
  "lines of data": ["data: a\ndata\ndata:b\n\n", [message("a\n\nb")]],
  "one space only": ["data:  a\n\n", [message(" a")]],
  "empty data": ["data\n\n", [message("")]],
  comments: [":\n: id: 5\n:data: no\ndata: a\n\n", [message("a")]],
  "an id without data": ["id: e-1\n\n", [{ type: "message", data: undefined, id: "e-1" }]],
  "an id that stays": ["id: 1\ndata: a\n\ndata: b\n\n", [message("a", "1"), message("b", "1")]],
  "an id that is emptied": ["id: 1\ndata: a\n\nid\ndata: b\n\n", [message("a", "1"), message("b", "")]],
  "an id with NUL": ["id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [message("a", "1"), message("b", "1")]],
  types: ["event: gap\ndata: a\n\ndata: b\n\n", [message("a", "", "gap"), message("b")]],
  "a type without data": ["event: gap\n\ndata: b\n\n", [message("b")]],
  "unknown fields": ["Data: a\nfoo: b\n data: c\ndata: d\n\n", [message("d")]],
  "all ends of lines": ["data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\ndata: e\n\r\n", [..."abcde"].map((data) => message(data))],
  "a byte order mark": ["\ufeffdata: a\n\n", [message("a")]],
  "a second byte order mark": ["\ufeff\ufeffdata: a\n\n", []],
  "an event without an end": ["data: a\n\nid: 9\ndata: b\n", [message("a")]],
  "letters of several bytes": ["data: é€😀\n\n", [message("é€😀")]],
  "bytes that are no UTF-8": [[...bytes("data: "), 0xff, 10, 10], [message("\ufffd")]],
  colons: ["data: a: b\n\n", [message("a: b")]],
}

for (const [name, [text, want]] of Object.entries(cases)) {
  test(`a stream of events: ${name}`, () => {
    const size = bytes(text).length
    assert.deepEqual(parse(text).events, want)
    for (let cut = 0; cut <= size; cut++) assert.deepEqual(parse(text, [cut]).events, want, `cut at ${cut}`)
    const everywhere = Array.from({ length: size }, (_, i) => i)
    assert.deepEqual(parse(text, everywhere).events, want, "byte by byte")
  })
}

test("the time before a stream is asked for again", () => {
  assert.equal(parse("retry: 1000\n\n").parser.retry, 1000)
  for (const bad of ["retry: 1.5\n\n", "retry: -1\n\n", "retry\n\n", "retry: 1s\n\n"]) assert.equal(parse(bad).parser.retry, 0, bad)
})

test("events that are larger than the limit are said to be", () => {
  const cases = [
    `data: ${"x".repeat(20)}\n\n`,
    `data: ${"x".repeat(6)}\ndata: ${"x".repeat(6)}\n\n`,
    `id: 7\ndata: ${"x".repeat(20)}`,
    "x".repeat(100),
    "data\n".repeat(12), // the ends of lines count
  ]
  for (const text of cases) {
    const { parser, events } = parse(`data: a\n\n${text}`, [], 10)
    assert.ok(parser.overflow, text)
    assert.deepEqual(events, [message("a")])
  }
  assert.equal(parse(`data: ${"x".repeat(10)}\n\ndata: ${"x".repeat(10)}\n\n`, [], 10).parser.overflow, false)
  assert.equal(parse(`id: 7\ndata: ${"x".repeat(11)}\n`, [], 10).parser.id, "7")
})

test("no event is made of a line that is cut", () => {
  const { parser, events } = parse("data: 1234567890123456\n\ndata: b\n\n", [13], 10)
  assert.ok(parser.overflow)
  assert.deepEqual(events, [])
})

// Streams of random fields, cut at random places, are parsed as they are when they come whole and as a parser of a few lines says.
test("random streams", () => {
  let seed = 1
  const random = (n) => {
    seed = (seed * 48271) % 2147483647
    return seed % n
  }
  const pieces = [
    "data",
    "data: ",
    "data:",
    "id: ",
    "id",
    "event: ",
    "retry: ",
    "x",
    "é",
    "😀",
    ":",
    " ",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\r\n\r\n",
    "7",
    "\0",
    "\ufeff",
  ]
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: random(40) }, () => pieces[random(pieces.length)]).join("")
    const size = bytes(text).length
    const cuts = Array.from({ length: random(8) }, () => random(size + 1)).sort((a, b) => a - b)
    const { events } = parse(text, cuts)
    assert.deepEqual(events, simple(text), JSON.stringify([text, cuts]))
  }
})

/** simple is the algorithm of the standard on a whole text. */
function simple(text) {
  const events = []
  let [id, known, type, data] = ["", "", "", ""]
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\r|\n/)
  lines.pop()
  for (const line of lines) {
    if (line === "") {
      if (data !== "" || id !== known) events.push({ type: type || "message", data: data === "" ? undefined : data.slice(0, -1), id })
      known = id
      type = data = ""
      continue
    }
    const [, name, value] = /^([^:]*)(?:: ?(.*))?$/su.exec(line)
    if (name === "data") data += `${value ?? ""}\n`
    if (name === "event") type = value ?? ""
    if (name === "id" && !value?.includes("\0")) id = value ?? ""
  }
  return events
}
