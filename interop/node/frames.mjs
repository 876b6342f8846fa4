// SPDX-License-Identifier: MIT
//
// frames.mjs MODULES PROGRAM PROFILE URL [SECONDS]
//
// Prints how long the main thread of a page is busy for each frame, in Chromium: script, style, layout and paint, of a trace. To be run alone on a
// machine; no test does.

import { readFile } from "node:fs/promises"
import { launch } from "./browser.mjs"

const [modules, program, profile, url, seconds = "10"] = process.argv.slice(2)
const browser = await launch(modules, "chrome", program, profile)
const page = await browser.newPage()
await page.setViewport({ width: 1280, height: 800 })
await page.goto(url)
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const rest = () => page.waitForSelector("canvas[data-layout=rest]", { timeout: 120_000 })

/** Traces the page for some seconds, in which something is done. */
async function measure(name, during = () => pause(1000 * seconds)) {
  const path = `${profile}/trace.json`
  await page.tracing.start({ path, categories: ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"] })
  await during()
  await page.tracing.stop()
  const { traceEvents } = JSON.parse(await readFile(path, "utf8"))
  const starts = traceEvents.filter((e) => e.name === "FireAnimationFrame" && e.ph === "X")
  const thread = ({ pid, tid }) => `${pid} ${tid}`
  const byThread = new Map()
  for (const e of starts) byThread.set(thread(e), [...(byThread.get(thread(e)) ?? []), e])
  const [main, frames] = [...byThread].sort((a, b) => b[1].length - a[1].length)[0]
  frames.sort((a, b) => a.ts - b.ts)
  const tasks = traceEvents.filter((e) => e.ph === "X" && thread(e) === main && e.name.endsWith("ThreadControllerImpl::RunTask")).sort((a, b) => a.ts - b.ts)
  const painted = [] // frames, in ms on the clock and of the processor
  let at = 0
  for (let i = 0; i + 1 < frames.length; i++) {
    let [wall, cpu] = [0, 0]
    for (; at < tasks.length && tasks[at].ts < frames[i + 1].ts; at++) {
      wall += tasks[at].dur / 1000
      cpu += (tasks[at].tdur ?? tasks[at].dur) / 1000
    }
    if (wall > 1) painted.push({ wall, cpu }) // or nothing was to be painted
  }
  const span = (frames.at(-1).ts - frames[0].ts) / 1e6
  const of = (what, p) => painted.map((f) => f[what]).sort((a, b) => a - b)[Math.floor(p * (painted.length - 1))].toFixed(1)
  const line = (what) => `median ${of(what, 0.5)} p90 ${of(what, 0.9)} p99 ${of(what, 0.99)}`
  console.log(`${name}: ${(painted.length / span).toFixed(0)} of ${(frames.length / span).toFixed(0)} frames/s painted; ms of each: ${line("wall")}; of the processor: ${line("cpu")}`)
}

async function move() {
  await page.mouse.move(600, 400)
  for (let i = 0; i < 40 * Number(seconds); i++) {
    await page.mouse.wheel({ deltaY: i % 40 < 20 ? -30 : 30 })
    await pause(25)
  }
}

await page.waitForFunction(() => document.querySelector("[data-total=processes] dd")?.textContent.startsWith("500"))
await pause(3000)
await rest()
await measure("in groups, at rest")
await measure("in groups, while it is moved", move)
await page.select(".choice select", "none")
await measure("without groups, while the layout moves", () => pause(4000))
await rest()
await measure("without groups, at rest")
await page.screenshot({ path: `${profile}/many.png` })
await measure("without groups, while it is moved", move)
await browser.close()
