// SPDX-License-Identifier: MIT

import { useSignal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"
import uPlot from "uplot"
import { classOf, coloursOf } from "../colours.js"
import { glyphOf } from "../glyphs.js"
import type { Ring } from "../ring.js"
import { linkTo, theme } from "../state.js"
import type { Known } from "../store.js"
import type { Process } from "../wire.js"

/** A Column is what a table shows of each row. */
export interface Column<R> {
  title: string
  /** By what rows are sorted; without it the column does not sort. */
  by?: (row: R) => number | string
  show: (row: R) => ComponentChildren
  /** Figures are at the right. */
  figure?: boolean
  hint?: string
}

/** How many rows a table shows at first. */
const someRows = 150

interface TableProps<R> {
  caption: string
  columns: Column<R>[]
  rows: R[]
  id: (row: R) => string
  /** The title of the column by which rows are sorted at first; with "-" before it, the largest first. */
  sort: string
  empty: string
}

/** A Table sorts its rows by the column that the user chooses. */
export function Table<R>({ caption, columns, rows, id, sort, empty }: TableProps<R>) {
  const order = useSignal(sort)
  const all = useSignal(false)
  const down = order.value.startsWith("-")
  const title = order.value.replace(/^-/, "")
  const by = columns.find((c) => c.title === title)?.by
  const sorted = by
    ? rows
        .map((row) => ({ row, key: by(row) }))
        .sort((a, b) => compare(a.key, b.key) * (down ? -1 : 1))
        .map((r) => r.row)
    : rows
  const shown = all.value ? sorted : sorted.slice(0, someRows)
  if (rows.length === 0) return <p class="empty">{empty}</p>
  return (
    <>
      <section class="scroll" aria-label={caption} tabIndex={0}>
        <table>
          <caption>{caption}</caption>
          <thead>
            <tr>
              {columns.map((c) => (
                <th
                  key={c.title}
                  scope="col"
                  class={c.figure ? "figure" : ""}
                  aria-sort={c.by && c.title === title ? (down ? "descending" : "ascending") : undefined}
                >
                  {c.by ? (
                    <button
                      type="button"
                      title={c.hint}
                      onClick={() => {
                        const first = c.figure ? "-" : ""
                        order.value = c.title !== title ? first + c.title : down ? c.title : `-${c.title}`
                      }}
                    >
                      {c.title}
                      <span aria-hidden="true">{c.title === title ? (down ? "▾" : "▴") : ""}</span>
                    </button>
                  ) : (
                    c.title
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={id(row)} data-id={id(row)}>
                {columns.map((c, i) =>
                  i === 0 ? (
                    <th key={c.title} scope="row">
                      {c.show(row)}
                    </th>
                  ) : (
                    <td key={c.title} class={c.figure ? "figure" : ""}>
                      {c.show(row)}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {sorted.length > shown.length && (
        <button type="button" class="more" onClick={() => (all.value = true)}>
          Show all {sorted.length}
        </button>
      )}
    </>
  )
}

function compare(a: number | string, b: number | string): number {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true })
}

export function Glyph({ protocol }: { protocol: string }) {
  const g = glyphOf(protocol)
  return (
    <svg class={g.filled ? "glyph" : "glyph hollow"} viewBox="-6 -6 12 12" aria-hidden="true">
      <path d={g.path} />
    </svg>
  )
}

export function Transport({ name }: { name: string }) {
  return (
    <span class="transport">
      <i class={`swatch t-${classOf(name)}`} aria-hidden="true" />
      {name}
    </span>
  )
}

export function NodeLink({ node }: { node: Process }) {
  return (
    <a href={linkTo("node", node.instance)} title={`${node.host} · pid ${node.pid}`}>
      {node.name}
      <small> {node.pid}</small>
    </a>
  )
}

export function SocketName({ known }: { known: Pick<Known, "socket"> }) {
  const { socket } = known
  return (
    <span class="socket">
      <Glyph protocol={socket.protocol} />
      {socket.name || <em>#{socket.id}</em>} <small>{socket.protocol}</small>
    </span>
  )
}

/** A Spark is a small picture of two rates: sent above the middle, delivered below. */
export function Spark({ sent, delivered }: { sent: Ring; delivered: Ring }) {
  const [width, height] = [120, 26]
  const top = Math.max(sent.max(), delivered.max(), 1e-9)
  const area = (ring: Ring, way: number) => {
    const values = ring.values()
    if (values.length < 2) return ""
    const step = width / 119
    const from = width - (values.length - 1) * step
    const points = values.map((v, i) => `L${(from + i * step).toFixed(1)} ${(height / 2 - (way * v * (height / 2 - 1)) / top).toFixed(1)}`)
    return `M${from.toFixed(1)} ${height / 2}${points.join("")}L${width} ${height / 2}Z`
  }
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label="Rates of the last two minutes">
      <path class="sent" d={area(sent, 1)} />
      <path class="delivered" d={area(delivered, -1)} />
    </svg>
  )
}

/** A Meter shows how full a queue is, and the most that was seen. */
export function Meter({ share, high, label }: { share: number; high?: number; label: string }) {
  const level = share > 0.9 ? "red" : share > 0.5 ? "amber" : ""
  const width = (s: number) => (100 * Math.min(1, Math.max(0, s))).toFixed(2)
  return (
    <svg class={`meter ${level}`} viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect class="rest" width="100" height="8" rx="2" />
      <rect class="full" width={width(share)} height="8" rx="2" />
      {high !== undefined && high > 0 && <rect class="high" x={Math.min(98.8, 100 * high)} width="1.2" height="8" />}
    </svg>
  )
}

/** A Line of a chart. */
export interface Series {
  label: string
  ring: Ring
  colour: "accent" | "blue" | "red"
}

interface ChartProps {
  title: string
  at: Ring
  series: Series[]
  format: (n: number) => string
  /** The scale has powers of two. */
  binary?: boolean
}

/** The least seconds that a chart shows. */
const shortest = 60

const powers = Array.from({ length: 50 }, (_, i) => 2 ** i)

/** backwards are the marks of a scale of seconds that ends now. */
function backwards(_: uPlot, __: number, least: number, most: number, step: number): number[] {
  const marks: number[] = []
  for (let s = most; s >= least; s -= step) marks.unshift(s)
  return marks
}

/** A Chart shows rates over time. */
export function Chart({ title, at, series, format, binary = false }: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const shade = theme.value
  useEffect(() => {
    const element = box.current!
    const style = getComputedStyle(element)
    const k = coloursOf(element)
    const colour = (name: string) => style.getPropertyValue(name === "blue" ? "--t-tcp" : `--${name}`).trim()
    const axis = { stroke: k.muted, grid: { stroke: k.line, width: 0.5 }, ticks: { show: false }, font: `11px ${k.font}` }
    const size = () => ({ width: Math.max(200, element.clientWidth), height: 180 })
    const last = () => u.data[0].at(-1) ?? 0
    const u = new uPlot(
      {
        ...size(),
        cursor: { y: false },
        legend: { live: true },
        scales: {
          x: { time: false, range: (_, least, most) => [Math.min(least, most - shortest), most] },
          y: { range: (_, __, most) => [0, Math.max(1, most * 1.15)] },
        },
        axes: [
          { ...axis, size: 30, incrs: [5, 10, 15, 30, 60, 120, 300], splits: backwards, values: (_, ticks) => ticks.map((s) => ago(s - last())) },
          { ...axis, size: 78, space: 32, ...(binary && { incrs: powers }), values: (_, ticks) => ticks.map(format) },
        ],
        series: [
          { label: "at" },
          ...series.map((s) => ({
            label: s.label,
            stroke: colour(s.colour),
            fill: `color-mix(in srgb, ${colour(s.colour)} 12%, transparent)`,
            width: 1.8,
            points: { show: false },
            value: (_: uPlot, v: number | null) => (v === null ? "–" : format(v)),
          })),
        ],
      },
      dataOf(at, series),
      element,
    )
    plot.current = u
    const watch = new ResizeObserver(() => u.setSize(size()))
    watch.observe(element)
    return () => {
      watch.disconnect()
      u.destroy()
    }
  }, [shade])
  useEffect(() => {
    const u = plot.current
    if (!u) return
    u.setData(dataOf(at, series))
    if (typeof u.cursor.idx !== "number" && at.length > 0) u.setLegend({ idx: at.length - 1 }, false) // without a pointer, the latest
  })
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div ref={box} />
    </figure>
  )
}

function dataOf(at: Ring, series: Series[]): uPlot.AlignedData {
  return [at.values(), ...series.map((s) => s.ring.values())] as uPlot.AlignedData
}

function ago(seconds: number): string {
  const s = Math.round(-seconds)
  return s <= 0 ? "now" : s < 60 ? `−${s} s` : `−${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`
}
