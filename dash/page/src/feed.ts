// SPDX-License-Identifier: MIT

import { Sub } from "@sprymq/spry"
import { connection, store, told } from "./state.js"

/** For so many milliseconds messages are merged without a pause, so that frames are on time. */
const turn = 7

/** The server beats once a second: a longer silence means trouble. */
const silence = 8000

/** follow subscribes to the server, for as long as the page lives. */
export async function follow(): Promise<void> {
  const sub = new Sub(new URL("feed", document.baseURI), {
    topics: [""],
    recvQueueBytes: 64 << 20, // the latest messages of all processes come at once
    idleTimeout: silence,
    backoff: { min: 200, max: 4000 },
  })
  sub.addEventListener("state", (e) => {
    connection.value = { state: e.state, reason: e.reason, until: Date.now() + e.delay }
  })
  sub.addEventListener("gap", (e) => e.reason === "reconnected" && store.reconnected())
  let began = performance.now()
  for await (const message of sub) {
    const text = message.text()
    const end = text.indexOf("\n")
    if (end > 0) store.merge(text.slice(0, end), text.slice(end + 1), Date.now())
    told()
    if (performance.now() - began < turn) continue
    await new Promise((resolve) => setTimeout(resolve, 0))
    began = performance.now()
  }
}
