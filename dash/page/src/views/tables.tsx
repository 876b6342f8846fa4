// SPDX-License-Identifier: MIT

// The tables of sockets, queues, causes and connections: of all processes, or of one.

import { bytes, count, day, duration, exact, percent, rate, since, words } from "../format.js"
import { transportOf } from "../graph.js"
import { type Cause, causes, meanings, type PipeRow } from "../rows.js"
import { linkTo, store } from "../state.js"
import { fillOf, fullnessOf, type Known, type Side, sum } from "../store.js"
import { type Column, Meter, NodeLink, SocketName, Spark, Table, Transport } from "./parts.js"

const process: Column<Known> = { title: "Process", by: (k) => `${k.node.name} ${k.node.pid}`, show: (k) => <NodeLink node={k.node} /> }
const socket: Column<Known> = { title: "Socket", by: (k) => k.socket.name || String(k.socket.id), show: (k) => <SocketName known={k} /> }
const id = (k: Known) => k.place

/** Tables of one process do not say which. */
const places = (alone: boolean) => (alone ? [socket] : [process, socket])

const figure = (title: string, by: (k: Known) => number, text: (n: number) => string, hint = ""): Column<Known> => ({
  title,
  by,
  show: (k) => text(by(k)),
  figure: true,
  hint,
})

export function RatesTable({ rows, alone = false }: { rows: Known[]; alone?: boolean }) {
  const columns: Column<Known>[] = [
    ...places(alone),
    { title: "Last two minutes", show: (k) => <Spark sent={k.sent} delivered={k.delivered} /> },
    figure("Sent", (k) => k.socket.rates.sent, rate),
    figure("Delivered", (k) => k.socket.rates.delivered, rate),
    figure(
      "Out",
      (k) => k.socket.rates.send_bytes,
      (n) => `${bytes(n)}/s`,
    ),
    figure(
      "In",
      (k) => k.socket.rates.recv_bytes,
      (n) => `${bytes(n)}/s`,
    ),
    figure("Sent in all", (k) => k.socket.totals.sent, exact),
    figure("Delivered in all", (k) => k.socket.totals.delivered, exact),
    figure("Pipes", (k) => k.socket.pipes?.length ?? 0, exact),
  ]
  return <Table caption="Sockets" columns={columns} rows={rows} id={id} sort="-Sent" empty="No socket passes the filter." />
}

function Filled({ known, side }: { known: Known; side: Side }) {
  const f = fillOf(known.socket, side)
  const text = f.limit > 0 ? `${count(f.queued)} of ${count(f.limit)}` : count(f.queued)
  return (
    <span class="filled" title={`at most ${percent(known.high[side])} so far`}>
      <Meter share={f.share} high={known.high[side]} label={`${text}, the fullest connection ${percent(f.share)}`} />
      <span>{text}</span>
    </span>
  )
}

export function QueuesTable({ rows, alone = false }: { rows: Known[]; alone?: boolean }) {
  const columns: Column<Known>[] = [
    ...places(alone),
    { title: "To send", by: (k) => fillOf(k.socket, "send").share || k.socket.queued.send / 1e9, show: (k) => <Filled known={k} side="send" />, figure: true },
    { title: "Received", by: (k) => fillOf(k.socket, "recv").share || k.socket.queued.recv / 1e9, show: (k) => <Filled known={k} side="recv" />, figure: true },
    figure("Size", (k) => k.socket.queued.send_bytes + k.socket.queued.recv_bytes, bytes),
    figure(
      "Oldest",
      (k) => k.socket.queued.oldest_ns,
      (n) => (n > 0 ? duration(n) : "–"),
      "The age of the oldest message in a queue",
    ),
    figure("Blocked", (k) => k.socket.blocked, percent, "The share of time that calls were blocked in Send"),
    figure("No pipe", (k) => k.socket.pending, exact, "Messages that wait for a connection"),
    figure("Dropped", (k) => k.socket.rates.dropped, rate),
  ]
  return <Table caption="Queues" columns={columns} rows={rows} id={id} sort="-To send" empty="No socket passes the filter." />
}

export function CausesTable({ rows }: { rows: Known[] }) {
  const all = causes(rows)
  const most = Math.max(1, ...all.map((c) => c.send + c.recv + c.refused))
  const figure = (title: string, by: (c: Cause) => number): Column<Cause> => ({ title, by, show: (c) => exact(by(c)), figure: true })
  const columns: Column<Cause>[] = [
    {
      title: "Cause",
      by: (c) => c.reason,
      show: (c) => (
        <>
          {words(c.reason)}
          <small class="meaning">{meanings[c.reason] ?? ""}</small>
        </>
      ),
    },
    { title: "Share", show: (c) => <Meter share={(c.send + c.recv + c.refused) / most} label={`${exact(c.send + c.recv + c.refused)} in all`} /> },
    figure("Sending", (c) => c.send),
    figure("Receiving", (c) => c.recv),
    figure("Peers refused", (c) => c.refused),
    {
      title: "Where",
      show: (c) => (
        <ul class="where">
          {c.where.slice(0, 5).map(({ known, count: n }) => (
            <li key={known.place}>
              <a href={linkTo("node", known.node.instance)}>
                {known.node.name}
                <small> {known.node.pid}</small>
              </a>{" "}
              <SocketName known={known} /> {exact(n)}
            </li>
          ))}
          {c.where.length > 5 && <li>and {c.where.length - 5} more</li>}
        </ul>
      ),
    },
  ]
  return (
    <Table caption="Drops and refusals by cause" columns={columns} rows={all} id={(c) => c.reason} sort="" empty="Nothing was dropped, and nobody refused." />
  )
}

export function PipesTable({ rows, alone = false }: { rows: PipeRow[]; alone?: boolean }) {
  const now = store.clock(Date.now())
  const own: Column<PipeRow>[] = [
    { title: "Process", by: (r) => `${r.node.name} ${r.node.pid}`, show: (r) => <NodeLink node={r.node} /> },
    { title: "Socket", by: (r) => r.socket.name || String(r.socket.id), show: (r) => <SocketName known={r} /> },
  ]
  const tls = (r: PipeRow) => r.pipe.tls
  const columns: Column<PipeRow>[] = [
    ...(alone ? own.slice(1) : own),
    {
      title: "Peer",
      by: (r) => r.peer?.name ?? r.pipe.remote ?? "",
      show: (r) => (r.peer ? <NodeLink node={r.peer} /> : <span class="muted">{r.pipe.remote || "not observed"}</span>),
    },
    { title: "Identity", by: (r) => r.pipe.identity ?? "", show: (r) => r.pipe.identity || "–" },
    { title: "Transport", by: (r) => transportOf(r.pipe), show: (r) => <Transport name={transportOf(r.pipe)} /> },
    { title: "Dialect", by: (r) => r.pipe.dialect ?? "", show: (r) => r.pipe.dialect || "–" },
    {
      title: "TLS",
      by: (r) => tls(r)?.not_after ?? "",
      show: (r) => {
        const t = tls(r)
        if (!t) return "–"
        const left = (Date.parse(t.not_after ?? "") - now) / 86400e3
        return (
          <span title={t.cipher}>
            {t.version.replace("TLS ", "")} <small class={left < 14 ? "soon" : ""}>to {day(t.not_after)}</small>
          </span>
        )
      },
    },
    {
      title: "p50",
      by: (r) => r.pipe.rtt?.p50_ns ?? -1,
      show: (r) => (r.pipe.rtt?.count ? duration(r.pipe.rtt.p50_ns) : "–"),
      figure: true,
      hint: "Round trip, the median",
    },
    {
      title: "p99",
      by: (r) => r.pipe.rtt?.p99_ns ?? -1,
      show: (r) => (r.pipe.rtt?.count ? duration(r.pipe.rtt.p99_ns) : "–"),
      figure: true,
      hint: "Round trip, of 99 in 100",
    },
    { title: "Sent", by: (r) => r.pipe.rates.sent, show: (r) => rate(r.pipe.rates.sent), figure: true },
    { title: "Delivered", by: (r) => r.pipe.rates.delivered, show: (r) => rate(r.pipe.rates.delivered), figure: true },
    { title: "Queue", by: (r) => fullnessOf(r.pipe), show: (r) => percent(fullnessOf(r.pipe)), figure: true },
    { title: "Dropped", by: (r) => sum(r.pipe.dropped), show: (r) => count(sum(r.pipe.dropped)), figure: true },
    { title: "Up", by: (r) => -Date.parse(r.pipe.since ?? "") || 0, show: (r) => since(r.pipe.since, now), figure: true },
  ]
  return (
    <Table
      caption="Connections"
      columns={columns}
      rows={rows}
      id={(r) => r.place}
      sort={alone ? "Socket" : "Process"}
      empty="No connection passes the filter."
    />
  )
}
