// SPDX-License-Identifier: MIT

import { useSignal } from "@preact/signals"
import { useRef } from "preact/hooks"
import { clock, duration, exact, words } from "../format.js"
import { contains } from "../graph.js"
import { eventsPaused, filter, store, tick, toggled } from "../state.js"
import type { Seen } from "../store.js"
import { NodeLink } from "./parts.js"

/** How many events are shown. */
const most = 300

const bad = new Set(["dial_failed", "accept_failed", "reject", "drop", "panic", "gave_up", "abandoned", "request_failed"])
const wait = new Set(["backoff", "retry", "pipe_down"])

/** The latest events, the last one first; of one process, if it is given. While it pauses, those that came before are shown. */
export function EventList({ instance }: { instance?: string }) {
  tick.value
  const chosen = useSignal<ReadonlySet<string>>(new Set())
  const until = useRef(Number.POSITIVE_INFINITY)
  const latest = store.events.reduce((n, e) => Math.max(n, e.seq), 0)
  if (!eventsPaused.value) until.current = Number.POSITIVE_INFINITY
  else if (until.current === Number.POSITIVE_INFINITY) until.current = latest
  const f = filter.value
  const kinds = new Set<string>()
  const shown: Seen[] = []
  for (let i = store.events.length - 1; i >= 0; i--) {
    const e = store.events[i]!
    if (e.seq > until.current || (instance !== undefined && e.instance !== instance)) continue
    kinds.add(e.kind)
    if (chosen.value.size > 0 && !chosen.value.has(e.kind)) continue
    if (f.protocols.size > 0 && !f.protocols.has(e.protocol ?? "")) continue
    if (!contains(f.text, store.nodes.get(e.instance), e.name, e.protocol, e.kind, e.endpoint, e.remote, e.reason, e.error)) continue
    if (shown.length < most) shown.push(e)
  }
  const missing = eventsPaused.value ? latest - until.current : 0
  return (
    <>
      <div class="chips">
        <button type="button" class="chip" aria-pressed={eventsPaused.value} title="or p" onClick={() => (eventsPaused.value = !eventsPaused.value)}>
          {eventsPaused.value ? `Go on${missing > 0 ? ` (${exact(missing)} new)` : ""}` : "Pause"}
        </button>
        {[...kinds].sort().map((kind) => (
          <button key={kind} type="button" class="chip" aria-pressed={chosen.value.has(kind)} onClick={() => (chosen.value = toggled(chosen.value, kind))}>
            {words(kind)}
          </button>
        ))}
      </div>
      {shown.length === 0 ? (
        <p class="empty">No event yet.</p>
      ) : (
        <ol class="events">
          {shown.map((e) => (
            <li key={e.seq} class={bad.has(e.kind) ? "bad" : wait.has(e.kind) ? "wait" : ""}>
              <time dateTime={e.time}>{clock(e.time)}</time>
              <b>{words(e.kind)}</b>
              <span>{store.nodes.has(e.instance) ? <NodeLink node={store.nodes.get(e.instance)!} /> : <small>{e.instance.slice(0, 8)}</small>}</span>
              <span>
                {e.name || `#${e.socket}`} <small>{e.protocol}</small>
              </span>
              <span class="what">{whatOf(e)}</span>
            </li>
          ))}
        </ol>
      )}
    </>
  )
}

function whatOf(e: Seen): string {
  const parts = [e.endpoint, e.remote && `from ${e.remote}`, e.reason && words(e.reason), e.count && `${exact(e.count)} messages`]
  if (e.wait_ns) parts.push(`again in ${duration(e.wait_ns)}`)
  if (e.error) parts.push(e.error)
  if (e.missed) parts.push(`${exact(e.missed)} events missed before`)
  return parts.filter(Boolean).join(" · ")
}
