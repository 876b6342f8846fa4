// SPDX-License-Identifier: MIT

import assert from "node:assert/strict"
import { test } from "node:test"
import { bytes, count, duration, percent, since, words } from "../src/format.js"
import { Ring } from "../src/ring.js"
import { bodyOf } from "../src/tap.js"

test("counts have three digits", () => {
  const of = [0, 0.04, 0.5, 7, 42.4, 999, 999.6, 1000, 1234, 56_789, 999_499, 999_500, 1e9, 2.5e17, Number.NaN]
  assert.deepEqual(of.map(count), ["0", "0.04", "0.5", "7", "42.4", "999", "1.00k", "1.00k", "1.23k", "56.8k", "999k", "1.00M", "1.00G", "250P", "–"])
})

test("sizes are powers of 1024", () => {
  assert.deepEqual([0, 1023, 1024, 1536, 10_240, 1e6, 1e9].map(bytes), ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "10.0 KiB", "977 KiB", "954 MiB"])
})

test("durations", () => {
  const of = [0, 999, 1500, 250_000, 3.4e6, 1.5e9, 59.9e9, 65e9, 3600e9, 11_220e9, 180_000e9]
  assert.deepEqual(of.map(duration), ["0 ns", "999 ns", "1.5 µs", "250 µs", "3.4 ms", "1.5 s", "59.9 s", "1m 05s", "1h 00m", "3h 07m", "2d 02h"])
})

test("times since a moment", () => {
  assert.equal(since("2026-01-01T00:00:00Z", Date.parse("2026-01-01T00:00:42.900Z")), "42 s")
  assert.equal(since("2026-01-01T00:00:00Z", Date.parse("2026-01-01T01:02:00Z")), "1h 02m")
  assert.equal(since(undefined, 0), "–")
  assert.equal(since("2026-01-01T00:00:01Z", Date.parse("2026-01-01T00:00:00Z")), "0 s", "clocks differ")
})

test("shares and words", () => {
  assert.deepEqual([0, 0.001, 0.05, 0.5, 1].map(percent), ["0 %", "0.1 %", "5.0 %", "50 %", "100 %"])
  assert.equal(words("pipe_closed"), "pipe closed")
})

test("a ring has the latest, the oldest first", () => {
  const ring = new Ring(3)
  for (const n of [1, 9, 3, 4]) ring.push(n)
  assert.deepEqual(ring.values(), [9, 3, 4])
  assert.equal(ring.max(), 9)
  assert.equal(ring.length, 3)
})

test("bodies of messages are readable", () => {
  const body = (text: string | number[]) => bodyOf(Buffer.from(text as string).toString("base64"))
  assert.deepEqual(body(""), { kind: "empty", text: "" })
  assert.deepEqual(body("plain <b>"), { kind: "text", text: "plain <b>" })
  assert.deepEqual(body('{"a":1}'), { kind: "json", text: '{\n  "a": 1\n}' })
  assert.deepEqual(body('{"a":'), { kind: "text", text: '{"a":' })
  assert.equal(body([0, 255, 65]).text, `0000  00 ff 41${" ".repeat(39)}  ··A`)
  assert.equal(body([...Array(2000).keys()].map(() => 1)).text.split("\n").length, 32)
})
