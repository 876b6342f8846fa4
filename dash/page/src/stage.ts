// SPDX-License-Identifier: MIT

import { type Camera, fitting, nextTo, zoomed } from "./camera.js"
import { coloursOf } from "./colours.js"
import { type Point, Scene, same, type Target } from "./geometry.js"
import type { Graph } from "./graph.js"
import type { Places, ToLayout } from "./layout.js"
import { Painter } from "./painter.js"

declare const WORKER: string

export interface StageOwner {
  /** The user chose something, or with undefined nothing. */
  choose(target: Target | undefined): void
  /** The user opened it: a second time chosen, or by Enter. */
  open(target: Target): void
  clock(): number
}

/** Where discs were, so that they are there again when the user comes back to the graph. */
let lastPlaces = new Map<string, Point>()
let lastCamera: Camera | undefined

/** A Stage shows the graph on a canvas: it has the layout beside the page, and listens to pointer and keys. */
export class Stage {
  private readonly painter: Painter
  private readonly worker: Worker
  private readonly watch: ResizeObserver
  private graph: Graph = { discs: [], lines: [] }
  private rates: ReadonlyMap<string, number> = new Map()
  private scene = new Scene(this.graph, new Map())
  private places = lastPlaces
  private camera: Camera = lastCamera ?? { x: 0, y: 0, scale: 1 }
  private follows = !lastCamera // the camera fits the graph until the user moves it
  private colours: ReturnType<typeof coloursOf>
  private chosen: Target | undefined
  private under: Target | undefined
  private still = false
  private frame = 0
  private dirty = true
  private stale = true // the scene is of an older graph, or older places
  private severalHosts = false
  private odd = false
  private readonly ends = new AbortController()
  private readonly pointers = new Map<number, Point>()
  private drag: { id: string; moved: boolean } | { pan: true; moved: boolean } | undefined

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly owner: StageOwner,
  ) {
    this.painter = new Painter(canvas)
    this.colours = coloursOf(canvas)
    this.worker = new Worker(new URL(WORKER, import.meta.url), { type: "module" })
    this.worker.onmessage = ({ data }: MessageEvent<Places>) => this.moved(data)
    this.watch = new ResizeObserver(() => this.resized())
    this.watch.observe(canvas)
    const on = <K extends keyof HTMLElementEventMap>(type: K, f: (e: HTMLElementEventMap[K]) => void, options = {}) =>
      canvas.addEventListener(type, f, { signal: this.ends.signal, ...options })
    on("wheel", (e) => this.wheel(e), { passive: false })
    on("pointerdown", (e) => this.down(e))
    on("pointermove", (e) => this.move(e))
    on("pointerup", (e) => this.up(e))
    on("pointercancel", (e) => this.up(e))
    on("pointerleave", () => this.hover(undefined))
    on("dblclick", (e) => {
      const hit = this.hit(e)
      if (hit) owner.open(hit)
    })
    on("keydown", (e) => this.key(e))
    const loop = (now: number) => {
      this.frame = requestAnimationFrame(loop)
      this.odd = !this.odd
      if (!this.dirty && (this.still || this.odd)) return // pearls move at half the rate of the screen
      this.paint(now)
    }
    this.frame = requestAnimationFrame(loop)
  }

  close(): void {
    cancelAnimationFrame(this.frame)
    this.ends.abort()
    this.watch.disconnect()
    this.worker.terminate()
    lastPlaces = this.places
    lastCamera = this.follows ? undefined : this.camera
  }

  /** Shows another graph, and the rates of its discs. */
  show(graph: Graph, rates: ReadonlyMap<string, number>): void {
    this.graph = graph
    this.rates = rates
    this.tell({
      type: "graph",
      discs: graph.discs.map(({ id, radius }) => ({ id, radius })),
      lines: graph.lines.map(({ from, to }) => ({ from, to })),
      aspect: innerWidth / Math.max(200, innerHeight - 200), // of the window, so that what is beside the canvas moves nothing
      steps: !this.still,
    })
    this.severalHosts = new Set(graph.discs.filter((d) => d.kind === "process").map((d) => d.host)).size > 1
    this.stale = this.dirty = true
  }

  choose(target: Target | undefined): void {
    if (same(target, this.chosen)) return
    this.chosen = target
    this.dirty = true
  }

  /** Colours have changed, or whether things may move. */
  restyle(still: boolean): void {
    this.still = still
    this.colours = coloursOf(this.canvas)
    this.dirty = true
  }

  zoom(factor: number): void {
    this.aim(zoomed(this.camera, factor, 0, 0))
  }

  /** Shows the whole graph, now and when it changes. */
  fit(): void {
    this.follows = true
    this.fitNow()
  }

  private tell(message: ToLayout): void {
    this.worker.postMessage(message)
  }

  private moved({ ids, at, rest }: Places): void {
    this.places = new Map(ids.map((id, i) => [id, { x: at[2 * i]!, y: at[2 * i + 1]! }]))
    this.canvas.dataset.layout = rest && ids.length > 0 ? "rest" : "moves"
    this.stale = this.dirty = true
  }

  private fitNow(): void {
    if (this.scene.discs.size === 0) return
    const [w, h] = [this.canvas.clientWidth, this.canvas.clientHeight]
    const margin = Math.min(w, h) * 0.06 + 12
    const wanted = fitting(this.scene.box, w - 2 * margin, h - 2 * margin - 20)
    const { camera } = this
    if (Math.abs(wanted.x - camera.x) + Math.abs(wanted.y - camera.y) < 0.5 && Math.abs(wanted.scale - camera.scale) < 0.002) return
    this.camera = wanted
    this.dirty = true
  }

  private aim(camera: Camera): void {
    this.follows = false
    this.camera = camera
    this.dirty = true
  }

  private resized(): void {
    this.painter.resize(this.canvas.clientWidth, this.canvas.clientHeight, Math.min(2, devicePixelRatio))
    if (this.follows) this.fitNow()
    this.paint(performance.now()) // a canvas of another size is empty
  }

  private paint(now: number): void {
    if (this.canvas.clientWidth === 0) return
    if (this.stale) {
      this.stale = false
      this.scene = new Scene(this.graph, this.places)
      if (this.follows) this.fitNow()
    }
    const { scene, camera, colours, chosen, under, rates, severalHosts } = this
    this.painter.paint({ scene, camera, colours, chosen, under, rates, clock: this.owner.clock(), moving: !this.still, severalHosts }, now)
    this.dirty = this.painter.isBusy
  }

  private toGraph(e: { clientX: number; clientY: number }): Point & { dx: number; dy: number } {
    const box = this.canvas.getBoundingClientRect()
    const [dx, dy] = [e.clientX - box.left - box.width / 2, e.clientY - box.top - box.height / 2]
    return { dx, dy, x: this.camera.x + dx / this.camera.scale, y: this.camera.y + dy / this.camera.scale }
  }

  private hit(e: PointerEvent | MouseEvent): Target | undefined {
    const { x, y } = this.toGraph(e)
    const finger = "pointerType" in e && e.pointerType === "touch"
    return this.scene.hit(x, y, (finger ? 12 : 6) / this.camera.scale)
  }

  private hover(target: Target | undefined): void {
    if (same(target, this.under)) return
    this.under = target
    this.canvas.style.cursor = target ? "pointer" : ""
    this.dirty = true
  }

  private wheel(e: WheelEvent): void {
    e.preventDefault()
    const { dx, dy } = this.toGraph(e)
    const lines = e.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1
    this.aim(zoomed(this.camera, Math.exp(-e.deltaY * lines * (e.ctrlKey ? 0.01 : 0.0016)), dx, dy))
  }

  private down(e: PointerEvent): void {
    if (e.button !== 0) return
    this.canvas.setPointerCapture(e.pointerId)
    this.pointers.set(e.pointerId, { x: e.clientX, y: e.clientY })
    if (this.pointers.size > 1) {
      this.drag = { pan: true, moved: true }
      return
    }
    const hit = this.hit(e)
    const disc = hit?.kind === "port" ? this.scene.ports.get(hit.id)?.disc : hit?.kind === "disc" ? hit.id : undefined
    this.drag = disc ? { id: disc, moved: false } : { pan: true, moved: false }
  }

  private move(e: PointerEvent): void {
    const before = this.pointers.get(e.pointerId)
    if (!before || !this.drag) {
      this.hover(this.hit(e))
      return
    }
    const now = { x: e.clientX, y: e.clientY }
    const [mx, my] = [now.x - before.x, now.y - before.y]
    if (!this.drag.moved && Math.hypot(mx, my) < 5) return
    this.drag.moved = true
    this.pointers.set(e.pointerId, now)
    if ("id" in this.drag) {
      const { x, y } = this.toGraph(e)
      this.tell({ type: "drag", id: this.drag.id, at: [x, y] })
      this.follows = false
      return
    }
    const { camera } = this
    this.aim({ ...camera, x: camera.x - mx / camera.scale / this.pointers.size, y: camera.y - my / camera.scale / this.pointers.size })
    const other = [...this.pointers].find(([id]) => id !== e.pointerId)?.[1]
    if (!other) return
    const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y))
    const { dx, dy } = this.toGraph({ clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 })
    this.aim(zoomed(this.camera, factor, dx, dy))
  }

  private up(e: PointerEvent): void {
    this.pointers.delete(e.pointerId)
    const { drag } = this
    if (this.pointers.size > 0 || !drag) return
    this.drag = undefined
    if (drag.moved) {
      if ("id" in drag) this.tell({ type: "drag", id: drag.id, at: undefined })
      return
    }
    if (e.type === "pointerup") this.owner.choose(this.hit(e))
  }

  private key(e: KeyboardEvent): void {
    const arrows: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
    const arrow = arrows[e.key]
    if (e.ctrlKey || e.metaKey || e.altKey) return
    if (arrow && e.shiftKey) {
      const { camera } = this
      this.aim({ ...camera, x: camera.x + (60 * arrow[0]) / camera.scale, y: camera.y + (60 * arrow[1]) / camera.scale })
    } else if (arrow) {
      this.step(...arrow)
    } else if (e.key === "Enter" && this.chosen) {
      this.owner.open(this.chosen)
    } else if (e.key === "Escape") {
      this.owner.choose(undefined)
    } else if (e.key === "+" || e.key === "=") {
      this.zoom(1.3)
    } else if (e.key === "-") {
      this.zoom(1 / 1.3)
    } else if (e.key === "0") {
      this.fit()
    } else if (e.key === "[" || e.key === "]") {
      this.around(e.key === "]" ? 1 : -1)
    } else {
      return
    }
    e.preventDefault()
    e.stopPropagation()
  }

  /** Chooses the next disc in a direction. */
  private step(dx: number, dy: number): void {
    const port = this.chosen?.kind === "port" ? this.scene.ports.get(this.chosen.id) : undefined
    const from = this.scene.discs.get(port?.disc ?? this.chosen?.id ?? "")
    const id = from ? nextTo(from, this.scene.discs.values(), dx, dy) : nextTo({ x: -1e9 * dx, y: -1e9 * dy }, this.scene.discs.values(), dx, dy)
    if (!id) return
    this.owner.choose({ kind: "disc", id })
    this.reveal(id)
  }

  /** Chooses the next socket of the chosen process. */
  private around(way: number): void {
    const port = this.chosen?.kind === "port" ? this.scene.ports.get(this.chosen.id) : undefined
    const disc = this.scene.discs.get(port?.disc ?? this.chosen?.id ?? "")
    if (!disc || disc.ports.length === 0) return
    const at = disc.ports.findIndex((p) => p.id === this.chosen?.id)
    const next = disc.ports[(at + way + disc.ports.length) % disc.ports.length] ?? disc.ports[0]!
    this.owner.choose({ kind: "port", id: next.id })
  }

  private reveal(id: string): void {
    const d = this.scene.discs.get(id)!
    const { camera } = this
    const [w, h] = [this.canvas.clientWidth / 2 / camera.scale, this.canvas.clientHeight / 2 / camera.scale]
    if (Math.abs(d.x - camera.x) < w - d.radius && Math.abs(d.y - camera.y) < h - d.radius) return
    this.aim({ ...camera, x: d.x, y: d.y })
  }
}
