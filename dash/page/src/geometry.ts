// SPDX-License-Identifier: MIT

// Where ports and lines are, when it is known where the discs are; and what is at a point.

import type { Disc, Graph, Line } from "./graph.js"

export const portRadius = 8

export interface Point {
  x: number
  y: number
}

/** A curve begins at x0, y0, ends at x1, y1, and bends towards cx, cy. */
export interface Curve {
  line: Line
  x0: number
  y0: number
  cx: number
  cy: number
  x1: number
  y1: number
}

/** A Target is what can be chosen. */
export interface Target {
  kind: "disc" | "port" | "line"
  id: string
}

export const same = (a: Target | undefined, b: Target | undefined) => a?.kind === b?.kind && a?.id === b?.id

/** A Scene is a graph with places. */
export class Scene {
  readonly discs = new Map<string, Disc & Point>()
  readonly ports = new Map<string, Point & { disc: string; port: Disc["ports"][number] }>()
  readonly curves: Curve[] = []
  readonly box = { left: 0, top: 0, right: 0, bottom: 0 }

  constructor(
    readonly graph: Graph,
    at: ReadonlyMap<string, Point>,
  ) {
    for (const disc of graph.discs) {
      const place = at.get(disc.id)
      if (place) this.discs.set(disc.id, { ...disc, x: place.x, y: place.y })
    }
    this.placePorts()
    for (const line of graph.lines) this.addCurve(line)
    const { box } = this
    let some = false
    for (const d of this.discs.values()) {
      const r = d.radius + portRadius
      box.left = some ? Math.min(box.left, d.x - r) : d.x - r
      box.right = some ? Math.max(box.right, d.x + r) : d.x + r
      box.top = some ? Math.min(box.top, d.y - r) : d.y - r
      box.bottom = some ? Math.max(box.bottom, d.y + r) : d.y + r
      some = true
    }
  }

  /** What is at a point; lines are hit from so far away. */
  hit(x: number, y: number, reach: number): Target | undefined {
    let disc: Target | undefined
    for (const d of this.discs.values()) {
      const away = Math.hypot(d.x - x, d.y - y)
      if (away > d.radius + portRadius + reach) continue
      for (const { id } of d.ports) {
        const p = this.ports.get(id)!
        if (Math.hypot(p.x - x, p.y - y) <= portRadius + reach / 2) return { kind: "port", id }
      }
      if (away <= d.radius) disc = { kind: "disc", id: d.id }
    }
    if (disc) return disc
    let best: Target | undefined
    let least = reach
    for (const c of this.curves) {
      if (x < Math.min(c.x0, c.cx, c.x1) - reach || x > Math.max(c.x0, c.cx, c.x1) + reach) continue
      if (y < Math.min(c.y0, c.cy, c.y1) - reach || y > Math.max(c.y0, c.cy, c.y1) + reach) continue
      const away = distance(c, x, y)
      if (away < least) [least, best] = [away, { kind: "line", id: c.line.id }]
    }
    return best
  }

  /** The middle of what can be chosen. */
  middle(t: Target): Point | undefined {
    if (t.kind === "disc") return this.discs.get(t.id)
    if (t.kind === "port") return this.ports.get(t.id)
    const c = this.curves.find((c) => c.line.id === t.id)
    return c && along(c, 0.5)
  }

  /** Ports look to where their lines go, and keep apart. */
  private placePorts(): void {
    const pull = new Map<string, Point>() // by port
    const draw = (port: string, from: Point | undefined, to: Point | undefined) => {
      if (!from || !to || port === "") return
      const away = Math.hypot(to.x - from.x, to.y - from.y) || 1
      const p = pull.get(port) ?? { x: 0, y: 0 }
      pull.set(port, { x: p.x + (to.x - from.x) / away, y: p.y + (to.y - from.y) / away })
    }
    for (const line of this.graph.lines) {
      const [a, b] = [this.discs.get(line.from), this.discs.get(line.to)]
      draw(line.fromPort, a, b)
      draw(line.toPort, b, a)
    }
    for (const disc of this.discs.values()) {
      const wanted = disc.ports.map((port) => {
        const p = pull.get(port.id)
        return { port, angle: p ? Math.atan2(p.y, p.x) : Math.PI / 2 }
      })
      wanted.sort((a, b) => a.angle - b.angle || (a.port.id < b.port.id ? -1 : 1))
      const angles = spread(
        wanted.map((w) => w.angle),
        (2 * portRadius + 4) / disc.radius,
      )
      wanted.forEach(({ port }, i) => {
        const [x, y] = [disc.x + disc.radius * Math.cos(angles[i]!), disc.y + disc.radius * Math.sin(angles[i]!)]
        this.ports.set(port.id, { x, y, disc: disc.id, port })
      })
    }
  }

  private addCurve(line: Line): void {
    const [a, b] = [this.discs.get(line.from), this.discs.get(line.to)]
    if (!a || !b) return
    if (a === b) {
      this.addLoop(line, a)
      return
    }
    const [p, q] = [this.ports.get(line.fromPort) ?? rim(a, b), this.ports.get(line.toPort) ?? rim(b, a)]
    const away = Math.hypot(q.x - p.x, q.y - p.y) || 1
    // All lines between two discs bend as seen from the same end, so that they keep apart.
    const side = line.from < line.to ? 1 : -1
    const apart = line.fromPort && line.toPort ? 10 : 22
    const bend = side * (line.lane - (line.lanes - 1) / 2) * apart + Math.min(18, away * 0.06)
    const [nx, ny] = [-(q.y - p.y) / away, (q.x - p.x) / away]
    this.curves.push({ line, x0: p.x, y0: p.y, cx: (p.x + q.x) / 2 + 2 * bend * nx, cy: (p.y + q.y) / 2 + 2 * bend * ny, x1: q.x, y1: q.y })
  }

  /** A line within a process goes around outside. */
  private addLoop(line: Line, d: Disc & Point): void {
    const [p, q] = [this.ports.get(line.fromPort) ?? d, this.ports.get(line.toPort) ?? d]
    const [mx, my] = [(p.x + q.x) / 2 - d.x, (p.y + q.y) / 2 - d.y]
    const length = Math.hypot(mx, my) || 1
    const out = d.radius * 2.1
    this.curves.push({ line, x0: p.x, y0: p.y, cx: d.x + (mx / length) * out, cy: d.y + (my / length) * out, x1: q.x, y1: q.y })
  }
}

function rim(d: Disc & Point, to: Point): Point {
  const away = Math.hypot(to.x - d.x, to.y - d.y) || 1
  return { x: d.x + ((to.x - d.x) * d.radius) / away, y: d.y + ((to.y - d.y) * d.radius) / away }
}

/** spread moves sorted angles as little as needed, so that neighbours are so far from each other, around the whole circle. */
export function spread(angles: number[], apart: number): number[] {
  const n = angles.length
  const gap = Math.min(apart, (2 * Math.PI) / n)
  const out = [...angles]
  for (let round = 0; round < 24; round++) {
    let moved = false
    for (let i = 0; i < n && n > 1; i++) {
      const next = (i + 1) % n
      const between = out[next]! - out[i]! + (next === 0 ? 2 * Math.PI : 0)
      if (between >= gap - 1e-3) continue
      const push = (gap - between) / 2
      out[i]! -= push
      out[next]! += push
      moved = true
    }
    if (!moved) break
  }
  return out
}

/** along is a point of a curve: 0 is its beginning, and 1 its end. */
export function along(c: Curve, t: number): Point {
  const u = 1 - t
  return { x: u * u * c.x0 + 2 * u * t * c.cx + t * t * c.x1, y: u * u * c.y0 + 2 * u * t * c.cy + t * t * c.y1 }
}

function distance(c: Curve, x: number, y: number): number {
  const pieces = 12
  let least = Number.POSITIVE_INFINITY
  let p = { x: c.x0, y: c.y0 }
  for (let i = 1; i <= pieces; i++) {
    const q = along(c, i / pieces)
    const [dx, dy] = [q.x - p.x, q.y - p.y]
    const t = Math.min(1, Math.max(0, ((x - p.x) * dx + (y - p.y) * dy) / (dx * dx + dy * dy || 1)))
    least = Math.min(least, Math.hypot(p.x + t * dx - x, p.y + t * dy - y))
    p = q
  }
  return least
}
