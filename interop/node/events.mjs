// SPDX-License-Identifier: MIT
//
// events.mjs MODULES URL
// events.mjs MODULES chrome|firefox PROGRAM PROFILE PAGE URL
//
// Reads server-sent events by npm's eventsource, or by a browser's own EventSource in a page. It prints a line for each: "ID DATA", or
// "gap ID EPOCH MISSED", in which MISSED may be "?". It prints "closed" if npm's gives up. It ends
// with its standard input.

import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import { launch } from "./browser.mjs"

/**
 * Reports the events of a stream. In a page, there is nothing but this function. Browsers give up when a connection is cut within the headers
 * of an answer: then the page goes on after the last event by itself.
 */
function follow(EventSource, url, again, report) {
  let last = ""
  const open = () => {
    const source = new EventSource(last ? `${url}&last_event_id=${last}` : url)
    const remember = (e) => (last = e.lastEventId)
    source.onmessage = (e) => report(`${remember(e)} ${e.data}`)
    source.addEventListener("gap", (e) => {
      const gap = JSON.parse(e.data)
      report(`gap ${remember(e)} ${gap.epoch} ${gap.missed ?? "?"}`)
    })
    source.onerror = () => {
      if (source.readyState !== 2) return
      if (again) setTimeout(open, 100)
      else report("closed")
    }
  }
  open()
}

const args = process.argv.slice(2)
const [modules, url] = [args[0], args.at(-1)]
let browser
if (args.length === 2) {
  const { EventSource } = await import(pathToFileURL(createRequire(modules + "/").resolve("eventsource")))
  follow(EventSource, url, false, console.log)
} else {
  browser = await launch(...args.slice(0, 4))
  const page = await browser.newPage()
  await page.goto(args[4])
  await page.exposeFunction("report", (line) => console.log(line))
  await page.evaluate(`(${follow})(EventSource, ${JSON.stringify(url)}, true, report)`)
}
process.stdin.resume()
process.stdin.on("end", async () => {
  await browser?.close()
  process.exit(0)
})
