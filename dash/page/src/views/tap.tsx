// SPDX-License-Identifier: MIT

import { useSignal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import { bytes, clock, exact } from "../format.js"
import { go, route, store, tick } from "../state.js"
import { bodyOf, type Sample } from "../tap.js"

const kept = 200

/** The tap shows samples of the messages of one socket, where the server allows it. */
export function TapView() {
  tick.value
  const [, instance = "", socket = ""] = route.value
  const state = useSignal("")
  const samples = useSignal<(Sample & { seq: number })[]>([])
  const paused = useSignal(false)
  const seq = useRef(0)
  useEffect(() => {
    samples.value = []
    state.value = ""
    if (!instance || !socket) return
    const source = new EventSource(`tap?instance=${encodeURIComponent(instance)}&socket=${encodeURIComponent(socket)}`)
    state.value = "connecting"
    source.onopen = () => {
      state.value = "open"
    }
    source.onerror = () => {
      state.value = source.readyState === EventSource.CLOSED ? "The server refuses, or the socket has no tap." : "connecting"
    }
    source.onmessage = (e) => {
      if (paused.value) return
      const sample = JSON.parse(e.data) as Sample
      samples.value = [{ ...sample, seq: ++seq.current }, ...samples.value.slice(0, kept - 1)]
    }
    return () => source.close()
  }, [instance, socket])
  const all = [...store.sockets.values()].filter((k) => k.node.state === "up")
  all.sort((a, b) => a.node.name.localeCompare(b.node.name) || a.node.pid - b.node.pid || a.socket.id - b.socket.id)
  return (
    <div class="page">
      <h2>Tap</h2>
      <p class="muted">Samples of the messages that a socket sends and receives.</p>
      <div class="chips">
        <label class="choice">
          Socket{" "}
          <select
            value={instance ? `${instance}/${socket}` : ""}
            onChange={(e) => {
              const place = e.currentTarget.value
              const at = place.lastIndexOf("/")
              if (at > 0) go("tap", place.slice(0, at), place.slice(at + 1))
            }}
          >
            <option value="">choose one</option>
            {all.map((k) => (
              <option key={k.place} value={k.place}>
                {k.node.name} {k.node.pid}: {k.socket.name || `#${k.socket.id}`} ({k.socket.protocol})
              </option>
            ))}
          </select>
        </label>
        <button type="button" class="chip" aria-pressed={paused.value} onClick={() => (paused.value = !paused.value)}>
          {paused.value ? "Go on" : "Pause"}
        </button>
        <span role="status" class="muted">
          {state.value === "open" && samples.value.length === 0 ? "No message yet." : state.value === "open" ? "" : state.value}
        </span>
      </div>
      <ol class="samples">
        {samples.value.map((s) => {
          const body = bodyOf(s.body ?? "")
          return (
            <li key={s.seq}>
              <header>
                <time dateTime={s.time}>{clock(s.time)}</time> <b>{s.direction === "send" ? "↑ sent" : "↓ received"}</b> {bytes(s.size)}
                {s.pipe !== undefined && s.pipe > 0 && <small> pipe {s.pipe}</small>}
                {!!s.skipped && <small> · {exact(s.skipped)} not shown before</small>}
              </header>
              <pre class={body.kind}>{body.text}</pre>
            </li>
          )
        })}
      </ol>
    </div>
  )
}
