// SPDX-License-Identifier: MIT

import { useSignal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import { bytes, count, exact, rate } from "../format.js"
import { connection, help, linkTo, route, store, switchTheme, text, theme, tick, views } from "../state.js"
import { GraphView } from "./graph.js"
import { ConnectionsView, DropsView, EventsView, NodeView, QueuesView, RatesView } from "./pages.js"
import { TapView } from "./tap.js"

export function App() {
  return (
    <>
      <Header />
      <Nav />
      <main id="main" tabIndex={-1}>
        <View />
      </main>
      <Footer />
      {help.value && <Help />}
    </>
  )
}

function View() {
  const [name, of = ""] = route.value
  switch (name) {
    case "rates":
      return <RatesView />
    case "queues":
      return <QueuesView />
    case "drops":
      return <DropsView />
    case "connections":
      return <ConnectionsView />
    case "events":
      return <EventsView />
    case "tap":
      return <TapView />
    case "node":
      return <NodeView instance={of} key={of} />
    default:
      return <GraphView />
  }
}

function Header() {
  tick.value
  const t = store.totals()
  const gone = store.nodes.size - t.nodes
  return (
    <header class="top">
      <h1>
        <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
          <path d="M9 10 23 8M9 10l9 14M23 8l-5 16" />
          <circle cx="9" cy="10" r="5" />
          <circle cx="23" cy="8" r="4" />
          <circle cx="18" cy="24" r="5" />
        </svg>
        Spry
      </h1>
      <dl class="totals">
        <Total name="processes" value={count(t.nodes)} extra={gone > 0 ? `+${gone} gone` : ""} />
        <Total name="sockets" value={count(t.sockets)} />
        <Total name="pipes" value={count(t.pipes)} />
        <Total name="sent" value={rate(t.sent)} />
        <Total name="delivered" value={rate(t.delivered)} />
        <Total name="out" value={`${bytes(t.sendBytes)}/s`} />
        <Total name="dropped" value={rate(t.dropped)} bad={t.dropped > 0} />
      </dl>
      <input
        id="filter"
        type="search"
        placeholder="Filter  /"
        aria-label="Filter by name, host, protocol or address"
        value={text.value}
        onInput={(e) => (text.value = e.currentTarget.value)}
      />
      <Connection />
      <button type="button" class="icon" title="Light or dark (t)" aria-label={`Switch to ${theme.value === "dark" ? "light" : "dark"}`} onClick={switchTheme}>
        {theme.value === "dark" ? "☀" : "☾"}
      </button>
      <button type="button" class="icon" title="Keys (?)" aria-label="Keys" onClick={() => (help.value = true)}>
        ?
      </button>
    </header>
  )
}

function Total({ name, value, extra = "", bad = false }: { name: string; value: string; extra?: string; bad?: boolean }) {
  return (
    <div class={bad ? "bad" : ""} data-total={name}>
      <dt>{name}</dt>
      <dd>
        {value}
        {extra && <small> {extra}</small>}
      </dd>
    </div>
  )
}

/** The page's own connection to the server. */
function Connection() {
  const now = useSignal(Date.now())
  const { state, reason, until } = connection.value
  useEffect(() => {
    if (state === "open") return
    const timer = setInterval(() => {
      now.value = Date.now()
    }, 250)
    return () => clearInterval(timer)
  }, [state])
  const left = Math.max(0, until - now.value)
  const word = state === "open" ? "live" : state === "waiting" && left > 0 ? `again in ${Math.ceil(left / 1000)} s` : "connecting"
  return (
    <span id="connection" class={`pill ${state}`} role="status" title={reason || "The connection to the server"} data-state={state}>
      {word}
    </span>
  )
}

function Nav() {
  tick.value
  const [at, of = ""] = route.value
  const node = at === "node" ? store.nodes.get(of) : undefined
  const nav = useRef<HTMLElement>(null)
  useEffect(() => nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" }), [at])
  return (
    <nav ref={nav} aria-label="Views">
      {views.map(({ name, title, key }) =>
        name === "tap" && !store.heartbeat?.tap ? null : (
          <a key={name} href={linkTo(name)} aria-current={at === name ? "page" : undefined} title={`${title} (${key})`}>
            {title}
          </a>
        ),
      )}
      {at === "node" && (
        <a href={linkTo("node", of)} aria-current="page">
          {node?.name ?? "Process"}
        </a>
      )}
    </nav>
  )
}

function Footer() {
  tick.value
  const beat = store.heartbeat
  return (
    <footer>
      <span>{beat?.version ? `Spry ${beat.version}` : "Spry"}</span>
      <span>{exact(store.events.length)} events kept</span>
      <a href="licences.txt">Licences</a>
    </footer>
  )
}

const keys: [string, string][] = [
  ["1 to 7", "the views"],
  ["/", "the filter"],
  ["t", "light or dark"],
  ["v", "the graph as a table"],
  ["p", "pause the events"],
  ["arrows", "in the graph: choose a process"],
  ["[ ]", "in the graph: choose a socket of it"],
  ["Enter", "in the graph: open what is chosen"],
  ["+ − 0", "in the graph: nearer, farther, all"],
  ["Shift arrows", "in the graph: move"],
  ["Esc", "close, or choose nothing"],
  ["?", "this list"],
]

function Help() {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} aria-labelledby="keys" onClose={() => (help.value = false)}>
      <h2 id="keys">Keys</h2>
      <dl>
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="action" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  )
}
