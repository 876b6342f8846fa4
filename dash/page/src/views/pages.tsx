// SPDX-License-Identifier: MIT

import { bytes, exact, rate, since } from "../format.js"
import { pipeRows, socketRows } from "../rows.js"
import { filter, store, tick } from "../state.js"
import { Endpoints, Facts } from "./details.js"
import { EventList } from "./events.js"
import { Chart, SocketName } from "./parts.js"
import { CausesTable, PipesTable, QueuesTable, RatesTable } from "./tables.js"

export function RatesView() {
  tick.value
  const h = store.history
  return (
    <div class="page">
      <h2>Rates</h2>
      <div class="charts">
        <Chart
          title="Messages per second"
          at={h.at}
          series={[
            { label: "sent", ring: h.sent, colour: "accent" },
            { label: "delivered", ring: h.delivered, colour: "blue" },
            { label: "dropped", ring: h.dropped, colour: "red" },
          ]}
          format={rate}
        />
        <Chart
          title="Bytes per second"
          at={h.at}
          series={[
            { label: "out", ring: h.sendBytes, colour: "accent" },
            { label: "in", ring: h.recvBytes, colour: "blue" },
          ]}
          format={(n) => `${bytes(n)}/s`}
          binary
        />
      </div>
      <RatesTable rows={socketRows(store, filter.value)} />
    </div>
  )
}

export function QueuesView() {
  tick.value
  return (
    <div class="page">
      <h2>Queues</h2>
      <QueuesTable rows={socketRows(store, filter.value)} />
    </div>
  )
}

export function DropsView() {
  tick.value
  const h = store.history
  return (
    <div class="page">
      <h2>Drops</h2>
      <div class="charts one">
        <Chart title="Dropped messages per second" at={h.at} series={[{ label: "dropped", ring: h.dropped, colour: "red" }]} format={rate} />
      </div>
      <CausesTable rows={socketRows(store, filter.value)} />
    </div>
  )
}

export function ConnectionsView() {
  tick.value
  return (
    <div class="page">
      <h2>Connections</h2>
      <PipesTable rows={pipeRows(store, filter.value)} />
    </div>
  )
}

export function EventsView() {
  return (
    <div class="page">
      <h2>Events</h2>
      <EventList />
    </div>
  )
}

/** The page of one process. */
export function NodeView({ instance }: { instance: string }) {
  tick.value
  const node = store.nodes.get(instance)
  if (!node) {
    return (
      <div class="page">
        <h2>{instance}</h2>
        <p class="empty">{store.heartbeat ? "This process is not in sight; it may have ended." : "Waiting for the server."}</p>
      </div>
    )
  }
  const { process } = node
  const none = { text: "", protocols: new Set<string>(), transports: new Set<string>() }
  const sockets = socketRows(store, none, instance)
  const now = store.clock(Date.now())
  return (
    <div class="page">
      <h2>
        {node.name} <small>{node.pid}</small> <span class={`pill ${node.state}`}>{node.state}</span>
      </h2>
      {node.error && <p class="error">{node.error}</p>}
      {!!node.left && <p class="muted">{exact(node.left)} sockets and pipes are left out, because there are too many.</p>}
      <Facts
        facts={[
          ["Host", node.host],
          ["Read from", <code key="url">{node.url || "–"}</code>],
          ["Up", since(process?.started, now)],
          ["Goroutines", process ? exact(process.goroutines) : "–"],
          ["Heap", process ? bytes(process.heap_bytes) : "–"],
          ["GOMAXPROCS", process ? exact(process.max_procs) : "–"],
          ["Go", process?.go || "–"],
          ["Spry", process?.spry || "–"],
          ["Instance", <code key="instance">{instance}</code>],
        ]}
      />
      <h3>Sockets</h3>
      <RatesTable rows={sockets} alone />
      <h3>Endpoints</h3>
      <div class="cards">
        {(node.sockets ?? []).map((s) => (
          <section key={s.id} class="card" aria-label={s.name || `socket ${s.id}`}>
            <SocketName known={{ socket: s }} />
            <Endpoints endpoints={s.endpoints ?? []} />
          </section>
        ))}
      </div>
      <h3>Queues</h3>
      <QueuesTable rows={sockets} alone />
      <h3>Connections</h3>
      <PipesTable rows={pipeRows(store, none, instance)} alone />
      <h3>Drops</h3>
      <CausesTable rows={sockets} />
      <h3>Events</h3>
      <EventList instance={instance} />
    </div>
  )
}
