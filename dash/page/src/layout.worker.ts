// SPDX-License-Identifier: MIT

import { Layout, type Places, type ToLayout } from "./layout.js"

// The layout beside the page: it takes as long as it takes, and the page does not wait.

const layout = new Layout()
const frame = 16 // ms
let planned = false
let steps = true // show the way, not only where it ends

function tell(rest: boolean): void {
  const places: Places = layout.places(rest)
  postMessage(places, { transfer: [places.at.buffer] })
}

function run(): void {
  planned = false
  const began = performance.now()
  let rest = false
  do {
    rest = layout.step()
  } while (!rest && (!steps || performance.now() - began < frame / 2))
  tell(rest)
  if (!rest) plan(Math.max(0, frame - (performance.now() - began)))
}

function plan(wait: number): void {
  if (planned) return
  planned = true
  setTimeout(run, wait)
}

addEventListener("message", ({ data }: MessageEvent<ToLayout>) => {
  if (data.type === "drag") {
    layout.drag(data.id, data.at)
  } else {
    steps = data.steps
    if (!layout.set(data.discs, data.lines, data.aspect)) return
  }
  plan(0)
})
