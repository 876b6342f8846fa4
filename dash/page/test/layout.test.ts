// SPDX-License-Identifier: MIT

import assert from "node:assert/strict"
import { test } from "node:test"
import { fitting, nextTo, zoomed } from "../src/camera.js"
import { Scene, spread } from "../src/geometry.js"
import { graphOf } from "../src/graph.js"
import { Layout } from "../src/layout.js"
import { Store } from "../src/store.js"
import { node, nothing, pipe, socket } from "./system.js"

const discs = (...ids: string[]) => ids.map((id) => ({ id, radius: 30 }))
const line = (from: string, to: string) => ({ from, to })

function settle(layout: Layout): Map<string, { x: number; y: number }> {
  let steps = 0
  while (!layout.step()) assert.ok(++steps < 1000, "it does not come to rest")
  const { ids, at } = layout.places(true)
  return new Map(ids.map((id, i) => [id, { x: at[2 * i]!, y: at[2 * i + 1]! }]))
}

const away = (a: { x: number; y: number }, b: { x: number; y: number }) => Math.hypot(a.x - b.x, a.y - b.y)

test("discs do not lie on each other, and what is connected is nearer", () => {
  const layout = new Layout()
  layout.set(discs("a", "b", "c", "d"), [line("a", "b"), line("c", "d")], 1)
  const at = settle(layout)
  for (const [id, p] of at) for (const [other, q] of at) if (id < other) assert.ok(away(p, q) > 60, `${id} ${other}`)
  assert.ok(away(at.get("a")!, at.get("b")!) < away(at.get("a")!, at.get("c")!), JSON.stringify([...at]))
})

test("the same graphs have the same places", () => {
  const places = () => {
    const layout = new Layout()
    layout.set(discs("a", "b", "c"), [line("a", "b")], 1.5)
    settle(layout)
    layout.set(discs("a", "b", "c", "d"), [line("a", "b"), line("d", "a")], 1.5)
    return settle(layout)
  }
  assert.deepEqual(places(), places())
})

test("the same graph again moves nothing", () => {
  const layout = new Layout()
  assert.equal(layout.set(discs("a", "b"), [line("a", "b")], 1), true)
  settle(layout)
  assert.equal(layout.set(discs("a", "b"), [line("b", "a"), line("a", "b")], 1), false)
})

test("discs keep their places when another comes", () => {
  const layout = new Layout()
  const ids = Array.from({ length: 12 }, (_, i) => `n${i}`)
  const ring = ids.map((id, i) => line(id, ids[(i + 1) % ids.length]!))
  layout.set(discs(...ids), ring, 1)
  const before = settle(layout)
  layout.set(discs(...ids, "new"), [...ring, line("new", "n3")], 1)
  const after = settle(layout)
  for (const id of ids) assert.ok(away(before.get(id)!, after.get(id)!) < 90, `${id} moved by ${away(before.get(id)!, after.get(id)!)}`)
  assert.ok(away(after.get("new")!, after.get("n3")!) < 300)
})

test("a disc that is dragged is where it is dragged to", () => {
  const layout = new Layout()
  layout.set(discs("a", "b"), [line("a", "b")], 2)
  settle(layout)
  layout.drag("a", [500, -40])
  assert.deepEqual(settle(layout).get("a"), { x: 500, y: -40 })
  layout.drag("a", undefined)
  layout.drag("nobody", [1, 1])
})

test("a wide canvas has a wide graph", () => {
  const shape = (aspect: number) => {
    const layout = new Layout()
    const ids = Array.from({ length: 20 }, (_, i) => `n${i}`)
    layout.set(discs(...ids), [], aspect)
    const at = [...settle(layout).values()]
    const size = (values: number[]) => Math.max(...values) - Math.min(...values)
    return size(at.map((p) => p.x)) / size(at.map((p) => p.y))
  }
  assert.ok(shape(2) > 1.3)
  assert.ok(shape(0.5) < 0.8)
})

test("spread keeps ports apart, around the circle, in their order", () => {
  const out = spread([-3.1, -3.09, 0, 0.01, 3.1], 0.3)
  for (let i = 0; i < out.length; i++) {
    const between = i + 1 < out.length ? out[i + 1]! - out[i]! : out[0]! + 2 * Math.PI - out[i]!
    assert.ok(between > 0.28, `${i}: ${between}`)
  }
  assert.deepEqual(spread([1], 0.3), [1])
  const crowded = spread(
    Array.from({ length: 40 }, () => 1),
    0.3,
  )
  assert.ok(crowded.every(Number.isFinite))
})

test("a scene finds what is at a point: ports before discs before lines", () => {
  const store = new Store()
  store.merge("node/a", JSON.stringify(node("a", [socket(1, "push", { pipes: [pipe(1, { peer: { instance: "b", socket: 1, pipe: 1 } })] })])), 0)
  store.merge("node/b", JSON.stringify(node("b", [socket(1, "pull")])), 0)
  const graph = graphOf(store, nothing, "none", new Set(), 0)
  const at = new Map([
    ["a", { x: 0, y: 0 }],
    ["b", { x: 300, y: 0 }],
  ])
  const scene = new Scene(graph, at)
  const port = scene.ports.get("a/1")!
  assert.ok(port.x > 0 && Math.abs(port.y) < 1, "it looks to its peer")
  assert.deepEqual(scene.hit(port.x, port.y, 6), { kind: "port", id: "a/1" })
  assert.deepEqual(scene.hit(0, 0, 6), { kind: "disc", id: "a" })
  const middle = scene.middle({ kind: "line", id: "a/1/1" })!
  assert.deepEqual(scene.hit(middle.x, middle.y + 3, 6), { kind: "line", id: "a/1/1" })
  assert.equal(scene.hit(150, 150, 6), undefined)
  assert.equal(new Scene(graph, new Map()).discs.size, 0, "discs without a place are not shown yet")
})

test("zooming keeps the point under the pointer", () => {
  const before = { x: 10, y: 20, scale: 1 }
  const after = zoomed(before, 2, 100, -50)
  assert.equal(before.x + 100 / before.scale, after.x + 100 / after.scale)
  assert.equal(before.y - 50 / before.scale, after.y - 50 / after.scale)
  assert.equal(zoomed(before, 1e9, 0, 0).scale, 4)
})

test("fitting shows the whole rectangle", () => {
  const c = fitting({ left: -100, right: 300, top: 0, bottom: 100 }, 200, 200)
  assert.deepEqual(c, { x: 100, y: 50, scale: 0.5 })
  assert.equal(fitting({ left: 0, right: 1, top: 0, bottom: 1 }, 200, 200).scale, 1.25)
})

test("arrows choose what lies in their direction", () => {
  const points = [
    { id: "left", x: -10, y: 0 },
    { id: "near", x: 10, y: 2 },
    { id: "far", x: 100, y: 0 },
    { id: "above", x: 1, y: -50 },
  ]
  assert.equal(nextTo({ x: 0, y: 0 }, points, 1, 0), "near")
  assert.equal(nextTo({ x: 0, y: 0 }, points, -1, 0), "left")
  assert.equal(nextTo({ x: 0, y: 0 }, points, 0, -1), "above")
  assert.equal(nextTo({ x: 0, y: 0 }, points, 0, 1), "near")
  assert.equal(nextTo({ x: 100, y: 0 }, points, 1, 0), undefined)
})
