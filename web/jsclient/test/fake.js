// SPDX-License-Identifier: MIT

// WebSockets whose other end is the test.

import { mock } from "node:test"

const encoder = new TextEncoder()

/** A FakeWebSocket does what the test says. Those that were made are in the list `made` of their network. */
export class FakeWebSocket {
  binaryType = "blob"
  bufferedAmount = 0
  protocol = ""
  readyState = 0
  onopen = null
  onmessage = null
  onclose = null
  onerror = null
  sent = []

  constructor(url, protocols) {
    this.url = url
    this.protocols = protocols
  }

  send(data) {
    if (this.readyState === 0) throw new Error("InvalidStateError")
    this.sent.push(data.slice())
    this.bufferedAmount += this.holds ? data.length : 0
  }

  close(code, reason) {
    if (this.readyState >= 2) return
    this.closed = { code, reason }
    this.readyState = 2
  }

  // What follows is the network's side.

  open(protocol = this.protocols[0]) {
    this.protocol = protocol
    this.readyState = 1
    this.onopen?.({})
  }

  receive(data) {
    this.onmessage?.({ data: typeof data === "string" ? data : Uint8Array.from(data).buffer })
  }

  receiveText(body) {
    this.receive(encoder.encode(body))
  }

  end(code = 1006, reason = "") {
    this.readyState = 3
    this.onclose?.({ code, reason })
  }

  get texts() {
    return this.sent.map((frame) => new TextDecoder().decode(frame))
  }
}

/** A network makes FakeWebSockets: the option WebSocket of a socket. */
export function network() {
  const made = []
  class WebSocket extends FakeWebSocket {
    constructor(url, protocols) {
      super(url, protocols)
      made.push(this)
    }
  }
  return {
    made,
    WebSocket,
    /** The latest one. */
    get last() {
      return made[made.length - 1]
    },
  }
}

/** fakeTime makes timers and the clock the test's, until it ends. */
export function fakeTime(t) {
  mock.timers.enable({ apis: ["setTimeout", "Date"] })
  t.after(() => mock.timers.reset())
}

/** settle lets all promises and microtasks run that can. */
export async function settle() {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

/** pass lets time pass, in steps in which promises run too. */
export async function pass(ms, step = Math.max(1, Math.ceil(ms / 100))) {
  for (let left = ms; left > 0; left -= step) {
    mock.timers.tick(Math.min(step, left))
    await settle()
  }
}

/** word is four bytes, big-endian. */
export function word(n) {
  return [(n >>> 24) & 0xff, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff]
}

/** rejected is the reason with which a promise rejects. */
export async function rejected(promise) {
  try {
    await promise
  } catch (reason) {
    return reason
  }
  throw new Error("the promise did not reject")
}

/** A gateway answers requests as the test says: the option fetch of a socket. Those that came are in the list `asked`. */
export function gateway() {
  const asked = []
  const fetch = (url, init) =>
    new Promise((resolve, reject) => {
      let stream
      const headers = Object.fromEntries(new Headers(init.headers))
      const request = {
        url,
        method: init.method ?? "GET",
        headers,
        text: init.body && new TextDecoder().decode(init.body),
        signal: init.signal,
        answer: (status, body = null, headers = {}) => resolve(new Response(status === 204 ? null : body, { status, headers })),
        fail: () => reject(new TypeError("fetch failed")),
        /** Begins an answer, of which more follows. */
        begin(type = "text/event-stream") {
          const body = new ReadableStream({ start: (controller) => (stream = controller) })
          resolve(new Response(body, { headers: { "Content-Type": type } }))
        },
        push: (text) => stream.enqueue(encoder.encode(text)),
        end: () => stream.close(),
        cut: () => stream.error(new TypeError("network error")),
      }
      init.signal.addEventListener("abort", () => {
        reject(init.signal.reason)
        try {
          stream?.error(init.signal.reason)
        } catch {} // it has ended
      })
      asked.push(request)
    })
  return {
    asked,
    fetch,
    /** The latest request. */
    get last() {
      return asked[asked.length - 1]
    },
  }
}

/** turn lets streams move too. */
export async function turn() {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}
