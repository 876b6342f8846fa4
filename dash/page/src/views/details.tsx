// SPDX-License-Identifier: MIT

import type { ComponentChildren } from "preact"
import { bytes, count, duration, exact, percent, rate, since, words } from "../format.js"
import type { Target } from "../geometry.js"
import { type Graph, transportOf } from "../graph.js"
import { chosen, linkTo, openGroups, store, tick, toggled } from "../state.js"
import { dropsOf, fullnessOf, type Known, sum } from "../store.js"
import type { Counts, Endpoint, Pipe } from "../wire.js"
import { Glyph, Meter, NodeLink, SocketName, Spark, Transport } from "./parts.js"

/** Details are about what is chosen in the graph. */
export function Details({ target, graph }: { target: Target; graph: Graph }) {
  tick.value
  return (
    <aside class="details" aria-label="Details">
      <button type="button" class="close" title="Close (Esc)" aria-label="Close" onClick={() => (chosen.value = undefined)}>
        ×
      </button>
      <div aria-live="polite">
        {target.kind === "disc" ? (
          <DiscDetails id={target.id} graph={graph} />
        ) : target.kind === "port" ? (
          <PortDetails id={target.id} />
        ) : (
          <LineDetails id={target.id} graph={graph} />
        )}
      </div>
    </aside>
  )
}

export function Facts({ facts }: { facts: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function DiscDetails({ id, graph }: { id: string; graph: Graph }) {
  const node = store.nodes.get(id)
  if (!node) {
    const disc = graph.discs.find((d) => d.id === id)
    if (!disc) return <p>It is not there any more.</p>
    const lines = graph.lines.filter((l) => l.from === id || l.to === id)
    return (
      <>
        <h2>{disc.label}</h2>
        <p class="muted">{disc.detail}</p>
        <Facts
          facts={[
            ["Connections", exact(lines.reduce((n, l) => n + l.pipes, 0))],
            ["Messages", rate(lines.reduce((n, l) => n + l.forth + l.back, 0))],
          ]}
        />
        {disc.kind === "group" && (
          <button type="button" class="action" onClick={() => (openGroups.value = toggled(openGroups.value, id))}>
            Show its processes
          </button>
        )}
      </>
    )
  }
  const { process } = node
  const sockets = (node.sockets ?? []).map((s) => store.sockets.get(`${id}/${s.id}`)).filter((k): k is Known => k !== undefined)
  return (
    <>
      <h2>{node.name}</h2>
      <p class="muted">
        {node.host} · pid {node.pid}
        {node.state !== "up" && <b class="state"> {node.state}</b>}
      </p>
      {node.error && <p class="error">{node.error}</p>}
      <Facts
        facts={[
          ["Up", since(process?.started, store.clock(Date.now()))],
          ["Goroutines", process ? exact(process.goroutines) : "–"],
          ["Heap", process ? bytes(process.heap_bytes) : "–"],
        ]}
      />
      <ul class="sockets">
        {sockets.map((k) => (
          <li key={k.place}>
            <button type="button" onClick={() => (chosen.value = { kind: "port", id: k.place })}>
              <SocketName known={k} />
              <Spark sent={k.sent} delivered={k.delivered} />
              <span class="figure">
                ↑ {rate(k.socket.rates.sent)}
                <br />↓ {rate(k.socket.rates.delivered)}
              </span>
            </button>
          </li>
        ))}
      </ul>
      <a class="action" href={linkTo("node", id)}>
        Its page
      </a>
    </>
  )
}

function PortDetails({ id }: { id: string }) {
  const known = store.sockets.get(id)
  if (!known) return <p>The socket is closed.</p>
  const { socket, node } = known
  return (
    <>
      <h2>
        <Glyph protocol={socket.protocol} /> {socket.name || `#${socket.id}`}
      </h2>
      <p class="muted">
        {socket.protocol} of <NodeLink node={node} />
      </p>
      <Spark sent={known.sent} delivered={known.delivered} />
      <Facts
        facts={[
          ["Sent", `${rate(socket.rates.sent)} · ${exact(socket.totals.sent)}`],
          ["Delivered", `${rate(socket.rates.delivered)} · ${exact(socket.totals.delivered)}`],
          ["Bytes", `↑ ${bytes(socket.rates.send_bytes)}/s · ↓ ${bytes(socket.rates.recv_bytes)}/s`],
          ["Queued", `${exact(socket.queued.send)} to send · ${exact(socket.queued.recv)} received`],
          ["Oldest", socket.queued.oldest_ns > 0 ? duration(socket.queued.oldest_ns) : "–"],
          ["Blocked in Send", percent(socket.blocked)],
          ["Dropped", dropsOf(socket) === 0 ? "none" : <Reasons counts={[socket.dropped.send, socket.dropped.recv]} />],
          ["Refused", sum(socket.rejected) === 0 ? "none" : <Reasons counts={[socket.rejected]} />],
        ]}
      />
      <h3>Endpoints</h3>
      <Endpoints endpoints={socket.endpoints ?? []} />
      <h3>Connections</h3>
      <ul class="pipes">
        {(socket.pipes ?? []).slice(0, 50).map((p) => (
          <li key={p.id}>
            <PipeSummary pipe={p} />
          </li>
        ))}
      </ul>
    </>
  )
}

export function Reasons({ counts }: { counts: (Counts | null | undefined)[] }) {
  const all = new Map<string, number>()
  for (const c of counts) for (const reason in c) if (c[reason]! > 0) all.set(reason, (all.get(reason) ?? 0) + c[reason]!)
  return (
    <>
      {[...all].map(([reason, n]) => (
        <span key={reason} class="reason">
          {words(reason)} {count(n)}
        </span>
      ))}
    </>
  )
}

export function Endpoints({ endpoints }: { endpoints: Endpoint[] }) {
  if (endpoints.length === 0) return <p class="muted">None.</p>
  const now = store.clock(Date.now())
  return (
    <ul class="endpoints">
      {endpoints.map((e, i) => {
        const left = Date.parse(e.next_attempt ?? "") - now
        return (
          // Two dialers may have one URL.
          <li key={`${i} ${e.url}`}>
            <code>{e.url}</code>{" "}
            <span class={`pill ${e.state}`}>
              {e.state}
              {e.state === "waiting" && left > 0 && ` ${duration(left * 1e6)}`}
            </span>
            <small>
              {" "}
              {e.pipes} {e.pipes === 1 ? "pipe" : "pipes"}
              {!!e.redials && ` · dialed again ${exact(e.redials)}×`}
              {sum(e.failed) > 0 && ` · ${exact(sum(e.failed))} attempts failed`}
            </small>
            {e.last_error && e.state !== "connected" && e.state !== "listening" && <p class="error">{e.last_error}</p>}
          </li>
        )
      })}
    </ul>
  )
}

function PipeSummary({ pipe }: { pipe: Pipe }) {
  const peer = pipe.peer && store.nodes.get(pipe.peer.instance)
  return (
    <>
      <Transport name={transportOf(pipe)} /> {peer ? <NodeLink node={peer} /> : (pipe.remote ?? "not observed")}
      <small>
        {" "}
        ↑ {rate(pipe.rates.sent)} ↓ {rate(pipe.rates.delivered)}
      </small>
      {fullnessOf(pipe) > 0 && <Meter share={fullnessOf(pipe)} label={`its queue is ${percent(fullnessOf(pipe))} full`} />}
    </>
  )
}

function LineDetails({ id, graph }: { id: string; graph: Graph }) {
  const line = graph.lines.find((l) => l.id === id)
  if (!line) return <p>It is not there any more.</p>
  const disc = (id: string) => graph.discs.find((d) => d.id === id)?.label ?? id
  const [instance, socketId, pipeId] = splitPlace(line.id)
  const socket = store.sockets.get(`${instance}/${socketId}`)?.socket
  const pipe = socket?.pipes?.find((p) => p.id === pipeId)
  const end = (place: string) => {
    const known = store.sockets.get(place)
    return known && <SocketName known={known} />
  }
  const queue = (name: string, q: Pipe["send"]) =>
    [name, `${exact(q.queued)}${q.limit > 0 ? ` of ${exact(q.limit)}` : ""} · ${bytes(q.bytes)}`] as [string, string]
  return (
    <>
      <h2>
        {disc(line.from)} ⇄ {disc(line.to)}
      </h2>
      <p class="muted">
        <Transport name={line.transport} /> {line.pipes > 1 && `${line.pipes} connections`}
        {line.state !== "live" && <b class="state"> {line.state === "past" ? "gone" : "waits to be connected again"}</b>}
      </p>
      <p class="ends">
        {end(line.fromPort)} {line.fromPort && line.toPort && "→"} {end(line.toPort)}
      </p>
      <Facts facts={[["Forth", rate(line.forth)], ["Back", rate(line.back)], ...(pipe ? pipeFacts(pipe, queue) : [])]} />
    </>
  )
}

function pipeFacts(pipe: Pipe, queue: (name: string, q: Pipe["send"]) => [string, string]): [string, ComponentChildren][] {
  return [
    ["Since", since(pipe.since, store.clock(Date.now()))],
    ["Dialect", pipe.dialect || "in process"],
    ["Local", pipe.local || "–"],
    ["Remote", pipe.remote || "–"],
    ["Identity", pipe.identity || "–"],
    ["TLS", pipe.tls ? `${pipe.tls.version} until ${pipe.tls.not_after?.slice(0, 10) ?? "–"}` : "no"],
    ["Round trip", pipe.rtt?.count ? `p50 ${duration(pipe.rtt.p50_ns)} · p99 ${duration(pipe.rtt.p99_ns)}` : "–"],
    queue("To send", pipe.send),
    queue("Received", pipe.recv),
    ["Dropped", sum(pipe.dropped) === 0 ? "none" : <Reasons counts={[pipe.dropped]} />],
  ]
}

/** splitPlace takes the name of a pipe apart. */
function splitPlace(place: string): [string, number, number] {
  const parts = place.split("/")
  return [parts.slice(0, -2).join("/"), Number(parts.at(-2)), Number(parts.at(-1))]
}
