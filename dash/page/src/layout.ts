// SPDX-License-Identifier: MIT

import { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY, type SimulationLinkDatum, type SimulationNodeDatum } from "d3-force"

/** What the page tells the layout. */
export type ToLayout =
  | { type: "graph"; discs: { id: string; radius: number }[]; lines: { from: string; to: string }[]; aspect: number; steps: boolean }
  | { type: "drag"; id: string; at: [number, number] | undefined }

/** What the layout tells the page: x and y of each disc, in the order of ids. It is at rest if nothing moves any more. */
export interface Places {
  ids: string[]
  at: Float32Array
  rest: boolean
}

interface Body extends SimulationNodeDatum {
  id: string
  radius: number
  /** Where it was before a small change: it likes to stay there. */
  home: { x: number; y: number } | undefined
}

/**
 * A Layout finds places for discs, so that those with lines between them are near each other. Discs keep their places when others come and go. The same graphs
 * in the same order have the same places.
 */
export class Layout {
  private bodies = new Map<string, Body>()
  private shape = ""
  private ids: string[] = []
  private readonly across = forceX<Body>(0)
  private readonly down = forceY<Body>(0)
  private stretch: [number, number] = [1, 1] // a wide canvas has the graph wide
  private readonly links = forceLink<Body, SimulationLinkDatum<Body>>([])
  private readonly apart = forceManyBody<Body>()
  private readonly sim = forceSimulation<Body>([])
    .stop()
    .alphaDecay(0.035)
    .velocityDecay(0.35)
    .force("link", this.links)
    .force("apart", this.apart)
    .force(
      "collide",
      forceCollide<Body>((b) => b.radius + 22),
    )
    .force("x", this.across)
    .force("y", this.down)
    .force("home", (alpha) => {
      for (const b of this.bodies.values()) {
        if (!b.home) continue
        b.vx! += (b.home.x - b.x!) * 0.4 * alpha
        b.vy! += (b.home.y - b.y!) * 0.4 * alpha
      }
    })

  /** Takes a graph. Returns whether there is something to move. */
  set(discs: { id: string; radius: number }[], lines: { from: string; to: string }[], aspect: number): boolean {
    const pairs = new Map<string, { source: string; target: string }>()
    for (const { from, to } of lines) {
      if (from !== to) pairs.set(from < to ? `${from} ${to}` : `${to} ${from}`, { source: from, target: to })
    }
    const shape = `${aspect.toFixed(1)}|${discs.map((d) => `${d.id} ${d.radius}`).join()}|${[...pairs.keys()].sort().join()}`
    if (shape === this.shape) return false
    this.shape = shape

    const before = this.bodies
    const near = new Map<string, Body[]>() // to newcomers
    for (const { source, target } of pairs.values()) {
      const [a, b] = [before.get(source), before.get(target)]
      if (a && !b) near.set(target, [...(near.get(target) ?? []), a])
      if (b && !a) near.set(source, [...(near.get(source) ?? []), b])
    }
    this.bodies = new Map()
    let fresh = 0
    discs.forEach(({ id, radius }, i) => {
      const body = before.get(id) ?? { id, radius, home: undefined, ...first(i, near.get(id)) }
      if (!before.has(id)) fresh++
      body.radius = radius
      this.bodies.set(id, body)
    })
    const bodies = [...this.bodies.values()]
    this.ids = bodies.map((b) => b.id)
    this.sim.nodes(bodies)
    const spread = bodies.length > 100 ? 1.4 : 1
    this.links
      .links([])
      .id((b) => b.id)
      .distance((l) => ((l.source as Body).radius + (l.target as Body).radius) * 1.1 + 84 * spread)
      .links([...pairs.values()].filter((p) => this.bodies.has(p.source) && this.bodies.has(p.target)))
    this.apart.strength(-1150 * spread).distanceMax(900)
    this.stretch = [Math.min(1.5, Math.max(1, 0.9 * aspect)), Math.min(1.5, Math.max(1, 0.9 / aspect))]
    this.across.strength(0.05 / aspect ** 0.6)
    this.down.strength(0.05 * aspect ** 0.6)
    // The more is new, the more may move.
    const share = bodies.length > 0 ? fresh / bodies.length : 0
    for (const b of bodies) b.home = share < 0.25 && before.has(b.id) ? { x: b.x!, y: b.y! } : undefined
    this.sim.alpha(Math.max(this.sim.alpha() > 0.05 ? this.sim.alpha() : 0, before.size === 0 ? 1 : Math.min(1, 0.06 + share)))
    return true
  }

  /** Holds a disc at a place, or with undefined lets go of it: it stays where it is until the graph changes. */
  drag(id: string, at: [number, number] | undefined): void {
    const body = this.bodies.get(id)
    if (!body) return
    if (at) body.home = { x: at[0] / this.stretch[0], y: at[1] / this.stretch[1] }
    body.fx = at ? at[0] / this.stretch[0] : null
    body.fy = at ? at[1] / this.stretch[1] : null
    if (at) this.sim.alpha(Math.max(this.sim.alpha(), 0.15))
  }

  /** Moves everything a little. Returns whether it has come to rest. */
  step(): boolean {
    this.sim.tick()
    return this.sim.alpha() < this.sim.alphaMin()
  }

  places(rest: boolean): Places {
    const at = new Float32Array(2 * this.ids.length)
    let i = 0
    for (const b of this.bodies.values()) {
      at[i++] = b.x! * this.stretch[0]
      at[i++] = b.y! * this.stretch[1]
    }
    return { ids: this.ids, at, rest }
  }
}

/** first is where a newcomer begins: beside its neighbours, or on a spiral. */
function first(i: number, near: Body[] | undefined): { x: number; y: number } {
  const angle = i * Math.PI * (3 - Math.sqrt(5))
  if (near) {
    const x = near.reduce((n, b) => n + b.x!, 0) / near.length
    const y = near.reduce((n, b) => n + b.y!, 0) / near.length
    return { x: x + 60 * Math.cos(angle), y: y + 60 * Math.sin(angle) }
  }
  const away = 46 * Math.sqrt(0.5 + i)
  return { x: away * Math.cos(angle), y: away * Math.sin(angle) }
}
