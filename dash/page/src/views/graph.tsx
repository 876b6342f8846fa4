// SPDX-License-Identifier: MIT

import { useComputed } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import { transports as known } from "../colours.js"
import { duration, rate } from "../format.js"
import type { Target } from "../geometry.js"
import { type Graph, type Grouping, graphOf, groupingOf, type Line, schemeOf, transportOf } from "../graph.js"
import { Stage } from "../stage.js"
import { asTable, chosen, filter, go, grouping, isStill, linkTo, openGroups, protocols, store, theme, tick, toggled, transports } from "../state.js"
import { Details } from "./details.js"
import { type Column, Glyph, Table, Transport } from "./parts.js"

/** The graph, as it is now. */
function useGraph() {
  return useComputed(() => {
    tick.value
    return graphOf(store, filter.value, grouping.value, openGroups.value, Date.now())
  })
}

/** What opens when a target is opened: a group its processes, and anything else the page of its process. */
function open(target: Target): void {
  if (target.kind === "line") return
  const id = target.kind === "port" ? target.id.slice(0, target.id.lastIndexOf("/")) : target.id
  if (/^(host|name):/.test(id)) openGroups.value = toggled(openGroups.value, id)
  else if (store.nodes.has(id)) go("node", id)
}

export function GraphView() {
  const graph = useGraph()
  return (
    <div class={chosen.value && !asTable.value ? "graph with-details" : "graph"}>
      <div class="stage">
        {asTable.value ? <GraphTable graph={graph.value} /> : <Picture graph={graph.value} />}
        <Legend />
      </div>
      {chosen.value && !asTable.value && <Details target={chosen.value} graph={graph.value} />}
    </div>
  )
}

function Picture({ graph }: { graph: Graph }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const stage = useRef<Stage | undefined>(undefined)
  useEffect(() => {
    const s = new Stage(canvas.current!, {
      choose: (target) => {
        chosen.value = target
      },
      open,
      clock: () => store.clock(Date.now()),
    })
    stage.current = s
    return () => s.close()
  }, [])
  const still = isStill.value
  useEffect(() => stage.current?.restyle(still), [theme.value, still])
  useEffect(() => stage.current?.show(graph, ratesOf()), [graph])
  useEffect(() => stage.current?.choose(chosen.value), [chosen.value])
  useEffect(() => stage.current?.fit(), [grouping.value])
  const up = graph.discs.filter((d) => d.kind !== "beyond").length
  return (
    <>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-roledescription="graph"
        aria-label={`${up} discs and ${graph.lines.length} lines. Arrows choose a process, brackets a socket, Enter opens it. The table shows the same.`}
      />
      {graph.discs.length === 0 && <p class="empty over">{store.heartbeat ? "No process is in sight yet." : "Waiting for the server."}</p>}
      <div class="zoom">
        <button type="button" title="Nearer (+)" aria-label="Nearer" onClick={() => stage.current?.zoom(1.3)}>
          +
        </button>
        <button type="button" title="Farther (−)" aria-label="Farther" onClick={() => stage.current?.zoom(1 / 1.3)}>
          −
        </button>
        <button type="button" title="Show all (0)" aria-label="Show all" onClick={() => stage.current?.fit()}>
          ⤢
        </button>
      </div>
    </>
  )
}

function ratesOf(): Map<string, number> {
  const rates = new Map<string, number>()
  for (const node of store.nodes.values()) {
    let n = 0
    for (const s of node.sockets ?? []) n += s.rates.sent + s.rates.delivered
    rates.set(node.instance, n)
  }
  return rates
}

/** The legend says what the colours and glyphs mean, and filters by them. */
function Legend() {
  tick.value
  const [seenTransports, seenProtocols] = [new Map<string, number>(), new Map<string, number>()]
  const names = new Set<string>()
  const hosts = new Set<string>()
  for (const node of store.nodes.values()) {
    hosts.add(node.host)
    names.add(node.name)
    for (const s of node.sockets ?? []) {
      seenProtocols.set(s.protocol, (seenProtocols.get(s.protocol) ?? 0) + 1)
      for (const p of s.pipes ?? []) seenTransports.set(transportOf(p), (seenTransports.get(transportOf(p)) ?? 0) + 1)
      for (const e of s.endpoints ?? []) if (!seenTransports.has(schemeOf(e.url))) seenTransports.set(schemeOf(e.url), 0)
    }
  }
  const order = (name: string) => (known as readonly string[]).indexOf(name) + 1 || 99
  const by = groupingOf(grouping.value, store.nodes.values())
  return (
    <div class="legend">
      <fieldset class="chips" aria-label="Transports">
        {[...seenTransports.keys()]
          .sort((a, b) => order(a) - order(b))
          .map((name) => (
            <button
              key={name}
              type="button"
              class="chip"
              aria-pressed={transports.value.has(name)}
              onClick={() => (transports.value = toggled(transports.value, name))}
            >
              <Transport name={name} />
            </button>
          ))}
      </fieldset>
      <fieldset class="chips" aria-label="Protocols">
        {[...seenProtocols.keys()].sort().map((name) => (
          <button
            key={name}
            type="button"
            class="chip"
            aria-pressed={protocols.value.has(name)}
            onClick={() => (protocols.value = toggled(protocols.value, name))}
          >
            <Glyph protocol={name} />
            {name}
          </button>
        ))}
      </fieldset>
      <div class="chips">
        <label class="choice">
          Group{" "}
          <select
            value={grouping.value}
            onChange={(e) => {
              grouping.value = e.currentTarget.value as Grouping
              openGroups.value = new Set()
            }}
          >
            <option value="auto">{by === "none" ? "if many" : `if many: by ${by}`}</option>
            <option value="none">nothing</option>
            <option value="host">by host ({hosts.size})</option>
            <option value="name">by name ({names.size})</option>
          </select>
        </label>
        <button type="button" class="chip" aria-pressed={asTable.value} onClick={() => (asTable.value = !asTable.value)} title="The graph as a table (v)">
          Table
        </button>
        {openGroups.value.size > 0 && (
          <button type="button" class="chip" onClick={() => (openGroups.value = new Set())}>
            Close groups
          </button>
        )}
      </div>
    </div>
  )
}

interface Row {
  line: Line
  from: string
  to: string
  fromSocket: string
  toSocket: string
}

/** The graph for those who do not see it: the same lines, one a row. */
function GraphTable({ graph }: { graph: Graph }) {
  const discs = new Map(graph.discs.map((d) => [d.id, d]))
  const socket = (place: string) => {
    const s = store.sockets.get(place)?.socket
    return s ? `${s.name || `#${s.id}`} (${s.protocol})` : ""
  }
  const rows: Row[] = graph.lines.map((line) => ({
    line,
    from: discs.get(line.from)?.label ?? line.from,
    to: discs.get(line.to)?.label ?? line.to,
    fromSocket: socket(line.fromPort),
    toSocket: socket(line.toPort),
  }))
  const disc = (id: string, label: string, place: string) => (
    <>
      {store.nodes.has(id) ? <a href={linkTo("node", id)}>{label}</a> : label} <small>{place}</small>
    </>
  )
  const columns: Column<Row>[] = [
    { title: "From", by: (r) => r.from, show: (r) => disc(r.line.from, r.from, r.fromSocket) },
    { title: "To", by: (r) => r.to, show: (r) => disc(r.line.to, r.to, r.toSocket) },
    { title: "Transport", by: (r) => r.line.transport, show: (r) => <Transport name={r.line.transport} /> },
    { title: "State", by: (r) => r.line.state, show: (r) => stateOf(r.line) },
    { title: "Forth", by: (r) => r.line.forth, show: (r) => rate(r.line.forth), figure: true },
    { title: "Back", by: (r) => r.line.back, show: (r) => rate(r.line.back), figure: true },
    { title: "Pipes", by: (r) => r.line.pipes, show: (r) => r.line.pipes, figure: true },
  ]
  const alone = graph.discs.filter((d) => !graph.lines.some((l) => l.from === d.id || l.to === d.id))
  return (
    <div class="page">
      <h2>Graph</h2>
      <Table caption="Connections" columns={columns} rows={rows} id={(r) => r.line.id} sort="From" empty="Nothing is connected." />
      <h3>Processes</h3>
      <ul class="discs">
        {graph.discs.map((d) => (
          <li key={d.id} data-id={d.id} data-state={d.state}>
            {store.nodes.has(d.id) ? <a href={linkTo("node", d.id)}>{d.label}</a> : d.label} <small>{d.detail}</small>{" "}
            {d.state !== "up" && <b class="state">{d.state}</b>}
            {alone.includes(d) && <small> not connected</small>}
          </li>
        ))}
      </ul>
    </div>
  )
}

function stateOf(line: Line): string {
  if (line.dropping) return "dropping"
  if (line.state === "past") return "gone"
  if (line.state === "live") return "up"
  const left = line.next - store.clock(Date.now())
  return left > 0 ? `again in ${duration(left * 1e6)}` : "connecting"
}
