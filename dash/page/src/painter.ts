// SPDX-License-Identifier: MIT

import type { Camera } from "./camera.js"
import type { Colours } from "./colours.js"
import { duration, rate } from "./format.js"
import { along, type Curve, type Point, portRadius, type Scene, same, type Target } from "./geometry.js"
import { glyphOf } from "./glyphs.js"
import type { Disc } from "./graph.js"

/** Graphs with up to so many lines are painted anew in every frame. */
const fewLines = 500

/** Larger ones are painted on a canvas of their own, so much a frame, which is shown when all is there. */
const sliceLines = 600
const sliceDiscs = 120

/** Of so many lines the messages are shown as pearls that move; of fewer where the lines are many, or there would be a cloud. */
const mostPearls = 160
const fewPearls = 50

export interface Picture {
  scene: Scene
  camera: Camera
  colours: Colours
  chosen: Target | undefined
  under: Target | undefined // the pointer
  /** Rates by process. */
  rates: ReadonlyMap<string, number>
  /** The server's time in milliseconds. */
  clock: number
  /** Whether things may move. */
  moving: boolean
  severalHosts: boolean
}

const nameSize = 12.5

/** The least size of letters on the screen. */
const readable = 8.5

/** With more discs, those that are too small for their names have none. */
const fewNames = 60

// What a stroke looks like: lines of one style are one path.
interface Style {
  colour: string
  width: number
  dots: boolean
  alpha: number
}

const glyphPaths = new Map<string, Path2D>()
function pathOf(protocol: string): Path2D {
  const { path } = glyphOf(protocol)
  let p = glyphPaths.get(path)
  if (!p) {
    p = new Path2D(path)
    glyphPaths.set(path, p)
  }
  return p
}

/** A View is what a canvas shows, without what is under the pointer or moves. */
interface View {
  scene: Scene
  camera: Camera
  colours: Colours
  chosen: Target | undefined
}

const isSame = (a: View | undefined, b: View) => a?.scene === b.scene && a.camera === b.camera && a.colours === b.colours && same(a.chosen, b.chosen)

/** A Job is a layer that is being painted. */
interface Job {
  view: View
  styles: [Style, Curve[]][]
  discs: (Disc & Point)[]
  at: number
}

/** A Painter paints pictures on a canvas. */
export class Painter {
  private readonly pen: CanvasRenderingContext2D
  private front = layer()
  private back = layer()
  private shown: View | undefined // by the front layer
  private job: Job | undefined // on the back layer
  private pearls: { scene: Scene; chosen: Target | undefined; curves: Curve[] } | undefined
  private width = 0
  private height = 0
  private dpr = 1
  private scale = 1

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.pen = canvas.getContext("2d", { alpha: false })!
  }

  /** Whether something is left to paint in the next frames. */
  get isBusy(): boolean {
    return this.job !== undefined
  }

  /** Takes the size of the canvas on the page. */
  resize(width: number, height: number, dpr: number): void {
    if (width === this.width && height === this.height && dpr === this.dpr) return
    this.width = width
    this.height = height
    this.dpr = dpr
    for (const c of [this.canvas, this.front.canvas, this.back.canvas]) {
      c.width = Math.max(1, Math.round(width * dpr))
      c.height = Math.max(1, Math.round(height * dpr))
    }
    this.job = this.shown = undefined
  }

  /** Paints. now is in milliseconds, for what moves. */
  paint(p: Picture, now: number): void {
    const { pen, dpr } = this
    pen.setTransform(dpr, 0, 0, dpr, 0, 0)
    pen.globalAlpha = 1
    pen.fillStyle = p.colours.surface
    pen.fillRect(0, 0, this.width, this.height)
    if (p.scene.curves.length <= fewLines) {
      this.shown = this.job = undefined
      const related = relatedTo(p.scene, p.chosen)
      this.look(pen, p.camera)
      for (const [style, curves] of stylesOf(p.scene.curves, p.colours, related)) strokeAll(pen, style, curves, p.camera.scale)
      this.paintPearls(p, related, now)
      for (const d of p.scene.discs.values()) this.paintDisc(pen, p, d, related)
      this.paintWaits(p, related)
      return
    }
    this.paintSlice(p)
    const { shown } = this
    if (!shown) return
    this.showLayer(shown, p.camera)
    this.look(pen, p.camera)
    const picture = { ...p, scene: shown.scene } // the scene that the layer has
    const related = relatedTo(shown.scene, p.chosen)
    if (related) {
      const curves = shown.scene.curves.filter((c) => related.has(c.line.id))
      for (const [style, some] of stylesOf(curves, p.colours, related)) strokeAll(pen, style, some, p.camera.scale)
    }
    this.paintPearls(picture, related, now)
    for (const id of new Set([...(related ?? []), p.under?.id ?? ""])) {
      const d = shown.scene.discs.get(id)
      if (d) this.paintDisc(pen, picture, d, related)
    }
    this.paintWaits(picture, related)
  }

  /** The camera's view, for what is drawn next. */
  private look(pen: CanvasRenderingContext2D, c: Camera): void {
    this.scale = c.scale
    const s = c.scale * this.dpr
    pen.setTransform(s, 0, 0, s, (this.width / 2) * this.dpr - c.x * s, (this.height / 2) * this.dpr - c.y * s)
    pen.lineCap = "round"
    pen.lineJoin = "round"
  }

  /** Paints more of the layer that is not shown yet, if what is shown is something else. */
  private paintSlice(p: Picture): void {
    if (!this.job) {
      if (isSame(this.shown, p)) return
      this.back.setTransform(1, 0, 0, 1, 0, 0)
      this.back.clearRect(0, 0, this.back.canvas.width, this.back.canvas.height)
      const { scene, camera, colours, chosen } = p
      const pale = chosen && new Set<string>() // what is related to it is painted above the layer
      this.job = { view: { scene, camera, colours, chosen }, styles: stylesOf(scene.curves, colours, pale), discs: [...scene.discs.values()], at: 0 }
    }
    const { job, back } = this
    const { view } = job
    this.look(back, view.camera)
    for (let left = sliceLines; left > 0 && job.styles.length > 0; ) {
      const [style, curves] = job.styles[0]!
      const some = curves.slice(job.at, job.at + left)
      strokeAll(back, style, some, view.camera.scale)
      left -= some.length
      job.at += some.length
      if (job.at < curves.length) return
      job.styles.shift()
      job.at = 0
      if (left <= 0) return
    }
    const pale = view.chosen && new Set<string>()
    for (const d of job.discs.splice(0, sliceDiscs)) this.paintDisc(back, { ...p, ...view, under: undefined }, d, pale)
    if (job.discs.length > 0) return
    ;[this.front, this.back] = [this.back, this.front]
    this.shown = view
    this.job = undefined
  }

  /** Shows the layer, moved to where the camera is now. */
  private showLayer({ camera: was }: View, c: Camera): void {
    const { pen, dpr } = this
    const k = c.scale / was.scale
    const x = this.width / 2 + (was.x - c.x) * c.scale - (k * this.width) / 2
    const y = this.height / 2 + (was.y - c.y) * c.scale - (k * this.height) / 2
    pen.setTransform(1, 0, 0, 1, 0, 0)
    pen.drawImage(this.front.canvas, x * dpr, y * dpr, k * this.width * dpr, k * this.height * dpr)
  }

  /** The lines that have pearls: of many, those with the most messages. */
  private pearlsOf({ scene, chosen }: Picture, related: Set<string> | undefined): Curve[] {
    if (this.pearls?.scene === scene && same(this.pearls.chosen, chosen)) return this.pearls.curves
    let curves = scene.curves.filter(({ line }) => line.state === "live" && line.forth + line.back > 0.05 && (!related || related.has(line.id)))
    const most = scene.curves.length > fewLines && !related ? fewPearls : mostPearls
    if (curves.length > most) {
      curves.sort((a, b) => b.line.forth + b.line.back - a.line.forth - a.line.back)
      curves = curves.slice(0, most)
    }
    this.pearls = { scene, chosen, curves }
    return curves
  }

  private paintPearls(p: Picture, related: Set<string> | undefined, now: number): void {
    const { pen } = this
    const curves = this.pearlsOf(p, related)
    pen.globalAlpha = 1
    for (const c of curves) {
      const both = c.line.forth > 0.05 && c.line.back > 0.05
      for (const [r, way] of [
        [c.line.forth, 1],
        [c.line.back, -1],
      ] as const) {
        if (r <= 0.05) continue
        pen.strokeStyle = pen.fillStyle = c.line.dropping ? p.colours.red : p.colours.transport(c.line.transport)
        const aside = both ? way * 2.6 : 0
        if (!p.moving) {
          this.arrow(c, way, aside)
          continue
        }
        const gap = 18
        const speed = 18 + 20 * Math.log10(1 + r)
        pen.lineWidth = widthOf(r) + 1.6
        pen.setLineDash([0.01, gap])
        pen.lineDashOffset = (-way * ((now / 1000) * speed)) % gap
        pen.beginPath()
        trace(pen, c, aside)
        pen.stroke()
      }
    }
    pen.setLineDash([])
  }

  /** Where nothing may move, an arrow shows the direction. */
  private arrow(c: Curve, way: number, aside: number): void {
    const { pen } = this
    const [p, q] = [along(c, 0.5 + way * 0.08), along(c, 0.5 + way * 0.1)]
    const angle = Math.atan2(q.y - p.y, q.x - p.x)
    const [x, y] = [q.x - Math.sin(angle) * aside, q.y + Math.cos(angle) * aside]
    pen.beginPath()
    for (const turn of [0, 2.5, -2.5]) pen.lineTo(x + 7 * Math.cos(angle + turn), y + 7 * Math.sin(angle + turn))
    pen.fill()
  }

  /** When a dialer tries again. */
  private paintWaits(p: Picture, related: Set<string> | undefined): void {
    const { pen } = this
    for (const c of p.scene.curves) {
      if (c.line.state !== "waiting") continue
      const left = c.line.next - p.clock
      const text = left > 0 ? `again in ${left < 10_000 ? `${(left / 1000).toFixed(1)} s` : duration(left * 1e6)}` : "connecting"
      const m = along(c, 0.5)
      pen.globalAlpha = !related || related.has(c.line.id) ? 1 : 0.3
      this.tag(p, m.x, m.y, text, p.colours.amber)
    }
  }

  private tag(p: Picture, x: number, y: number, text: string, colour: string): void {
    const { pen } = this
    pen.font = `600 10.5px ${p.colours.font}`
    pen.textAlign = "center"
    pen.textBaseline = "middle"
    const w = pen.measureText(text).width + 12
    pen.fillStyle = p.colours.raised
    pen.strokeStyle = colour
    pen.lineWidth = 1
    pen.beginPath()
    pen.roundRect(x - w / 2, y - 9, w, 18, 9)
    pen.fill()
    pen.stroke()
    pen.fillStyle = colour
    pen.fillText(text, x, y + 0.5)
  }

  private paintDisc(pen: CanvasRenderingContext2D, p: Picture, d: Disc & Point, related: Set<string> | undefined): void {
    const { colours: k, camera } = p
    const r = d.radius
    if (Math.abs(d.x - camera.x) > this.width / 2 / camera.scale + r + 30) return
    if (Math.abs(d.y - camera.y) > this.height / 2 / camera.scale + r + 40) return
    const near = !related || related.has(d.id)
    pen.globalAlpha = (near ? 1 : 0.3) * (d.dim ? 0.5 : 1)
    const chosen = p.chosen?.id === d.id || (p.chosen?.kind === "port" && p.scene.ports.get(p.chosen.id)?.disc === d.id)
    const under = p.under?.id === d.id
    pen.fillStyle = k.raised
    pen.beginPath()
    pen.arc(d.x, d.y, r, 0, 2 * Math.PI)
    pen.fill()
    if (d.state === "gone") pen.globalAlpha *= 0.6
    pen.lineWidth = chosen ? 3 : under ? 2.4 : 1.4
    pen.strokeStyle = chosen || under ? k.accent : d.state === "unreachable" ? k.amber : d.dropping ? k.red : k.line
    if (d.state !== "up" || d.kind === "beyond") pen.setLineDash([4, 5])
    pen.stroke()
    pen.setLineDash([])
    if (d.kind === "group") {
      pen.lineWidth = 1
      pen.beginPath()
      pen.arc(d.x, d.y, r - 5, 0, 2 * Math.PI)
      pen.stroke()
    }
    this.paintName(pen, p, d, near && (chosen || under))
    if (camera.scale * portRadius >= 2.2) for (const port of d.ports) this.paintPort(pen, p, port.id, related)
    pen.globalAlpha = 1
  }

  private paintName(pen: CanvasRenderingContext2D, p: Picture, d: Disc & Point, always: boolean): void {
    const k = p.colours
    const { scale } = p.camera
    const detail = d.state !== "up" ? d.state : d.kind === "process" ? rate(p.rates.get(d.id) ?? 0) : d.detail
    const ink = d.state === "gone" || d.kind === "beyond" ? k.muted : k.text
    pen.textAlign = "center"
    pen.textBaseline = "middle"
    const least = d.kind === "group" ? readable / scale : 0
    const size = Math.max(nameSize, least)
    if (d.kind !== "beyond" && size * scale >= readable && 3 * size < 2 * d.radius) {
      const room = 2 * (d.radius - (d.ports.length > 0 ? 9 : 5))
      pen.font = `600 ${size}px ${k.font}`
      pen.fillStyle = ink
      pen.fillText(fit(pen, d.label, room), d.x, d.y - 0.4 * size)
      pen.font = `500 ${0.8 * size}px ${k.font}`
      pen.fillStyle = d.state === "unreachable" ? k.amber : k.muted
      pen.fillText(fit(pen, detail, room), d.x, d.y + 0.72 * size)
      if (d.kind === "process" && p.severalHosts) this.outside(pen, d.host, d.x, d.y + d.radius + portRadius + 8, k.surface)
      return
    }
    // What does not fit inside is below, in letters that can be read at any distance.
    if (!always && d.kind === "process" && p.scene.discs.size > fewNames) return
    const letter = 10.5 / Math.min(1, scale)
    const y = d.y + d.radius + portRadius * Math.min(1, 0.4 / scale) + letter * 0.8
    pen.font = `600 ${letter}px ${k.font}`
    pen.fillStyle = ink
    this.outside(pen, d.label, d.x, y, k.surface)
    if (d.kind !== "beyond" && d.state === "up" && !always && d.kind !== "group") return
    pen.font = `500 ${letter * 0.92}px ${k.font}`
    pen.fillStyle = d.state === "unreachable" ? k.amber : k.muted
    this.outside(pen, detail, d.x, y + letter * 1.15, k.surface)
  }

  /** A text outside of discs is read above the lines that cross it. */
  private outside(pen: CanvasRenderingContext2D, text: string, x: number, y: number, ground: string): void {
    pen.lineWidth = 4 * Math.max(1, 0.8 / this.scale)
    pen.strokeStyle = ground
    pen.strokeText(text, x, y)
    pen.fillText(text, x, y)
  }

  private paintPort(pen: CanvasRenderingContext2D, p: Picture, id: string, related: Set<string> | undefined): void {
    const k = p.colours
    const { x, y, port } = p.scene.ports.get(id)!
    const glyph = glyphOf(port.protocol)
    const chosen = p.chosen?.id === id
    const alpha = pen.globalAlpha
    if (related && p.chosen?.kind !== "disc" && !related.has(id)) pen.globalAlpha *= 0.45
    pen.beginPath()
    pen.arc(x, y, portRadius, 0, 2 * Math.PI)
    pen.fillStyle = k.surface
    pen.fill()
    pen.strokeStyle = chosen || p.under?.id === id ? k.accent : port.dropping ? k.red : k.line
    pen.lineWidth = chosen ? 2.6 : port.dropping ? 2 : 1.2
    pen.stroke()
    if (port.full > 0.01) {
      pen.beginPath()
      pen.arc(x, y, portRadius, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * port.full)
      pen.strokeStyle = port.full > 0.9 ? k.red : port.full > 0.5 ? k.amber : k.accent
      pen.lineWidth = 2.6
      pen.stroke()
    }
    pen.translate(x, y)
    pen.scale(0.86, 0.86)
    pen.fillStyle = pen.strokeStyle = k.text
    pen.lineWidth = 1.4
    if (glyph.filled) pen.fill(pathOf(port.protocol))
    else pen.stroke(pathOf(port.protocol))
    this.look(pen, p.camera)
    pen.globalAlpha = alpha
  }
}

/** The lines, discs and ports that belong to what is chosen, or undefined if nothing is. */
function relatedTo(scene: Scene, chosen: Target | undefined): Set<string> | undefined {
  if (!chosen) return undefined
  const { kind, id } = chosen
  const all = new Set<string>([id])
  for (const { line } of scene.curves) {
    const ends = kind === "disc" ? [line.from, line.to] : kind === "port" ? [line.fromPort, line.toPort] : [line.id]
    if (ends.includes(id)) for (const one of [line.id, line.from, line.to, line.fromPort, line.toPort]) all.add(one)
  }
  const port = scene.ports.get(id)
  if (port) all.add(port.disc)
  return all
}

function layer(): CanvasRenderingContext2D {
  return document.createElement("canvas").getContext("2d")!
}

/** The width of a line grows with the logarithm of its rate. */
export function widthOf(rate: number): number {
  return Math.min(6, 1.1 + 0.6 * Math.log10(1 + rate))
}

function stylesOf(curves: Curve[], k: Colours, related: Set<string> | undefined): [Style, Curve[]][] {
  const styles = new Map<string, [Style, Curve[]]>()
  const pale = curves.length > 4 * fewLines ? 0.13 : curves.length > fewLines ? 0.25 : 0.42 // many lines on each other would hide all
  for (const c of curves) {
    const { line } = c
    const colour = line.dropping ? k.red : line.state === "waiting" ? k.amber : line.state === "past" ? k.faint : k.transport(line.transport)
    const width = Math.round(2 * widthOf(line.forth + line.back)) / 2
    const strong = !related || related.has(line.id)
    const alpha = line.state === "waiting" ? (strong ? 0.95 : 0.2) : pale * (strong ? 1 : 0.22) + (related && strong ? 0.35 : 0) + (line.dropping ? 0.3 : 0)
    const dots = line.state !== "live"
    const key = `${colour} ${width} ${dots} ${alpha}`
    const style = styles.get(key)
    if (style) style[1].push(c)
    else styles.set(key, [{ colour, width, dots, alpha }, [c]])
  }
  return [...styles.values()]
}

function strokeAll(pen: CanvasRenderingContext2D, s: Style, curves: Curve[], scale: number): void {
  pen.strokeStyle = s.colour
  pen.lineWidth = scale < 0.5 ? s.width * 0.6 : s.width
  pen.globalAlpha = Math.min(1, s.alpha)
  pen.setLineDash(s.dots ? [0.01, 6] : [])
  if (s.dots) pen.lineWidth = 2.4
  pen.beginPath()
  for (const c of curves) trace(pen, c, 0)
  pen.stroke()
  pen.setLineDash([])
}

function trace(pen: CanvasRenderingContext2D, c: Curve, aside: number): void {
  if (aside === 0) {
    pen.moveTo(c.x0, c.y0)
    pen.quadraticCurveTo(c.cx, c.cy, c.x1, c.y1)
    return
  }
  const away = Math.hypot(c.x1 - c.x0, c.y1 - c.y0) || 1
  const [nx, ny] = [(-(c.y1 - c.y0) / away) * aside, ((c.x1 - c.x0) / away) * aside]
  pen.moveTo(c.x0 + nx, c.y0 + ny)
  pen.quadraticCurveTo(c.cx + nx, c.cy + ny, c.x1 + nx, c.y1 + ny)
}

const widths = new Map<string, string>()

/** fit shortens a text to the room that there is. */
function fit(pen: CanvasRenderingContext2D, text: string, room: number): string {
  const key = `${pen.font} ${room.toFixed(0)} ${text}`
  let short = widths.get(key)
  if (short !== undefined) return short
  short = text
  while (short.length > 1 && pen.measureText(short).width > room) short = `${short.replace(/…$/, "").slice(0, -1)}…`
  if (widths.size > 5000) widths.clear()
  widths.set(key, short)
  return short
}
