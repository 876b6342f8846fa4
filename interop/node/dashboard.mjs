// SPDX-License-Identifier: MIT
//
// dashboard.mjs MODULES chrome|firefox PROGRAM PROFILE URL
//
// Opens the dashboard in a browser, and answers what it shows. Commands are lines, and answers are lines of JSON: {"Answer", "Faults"}, where faults
// are what is wrong on the page up to then: errors, messages on the console, breaches of its policy, requests to elsewhere. It ends with its input.

import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import readline from "node:readline"
import { launch, watch } from "./browser.mjs"

const [modules, name, program, profile, url] = process.argv.slice(2)
const faults = []
const browser = await launch(modules, name, program, profile)
const page = await browser.newPage()
watch(page, (text) => faults.push(text))
const isOurs = (address) => /^(data|blob):/.test(address) || new URL(address).host === new URL(url).host
page.on("request", (r) => isOurs(r.url()) || faults.push(`a request to ${r.url()}`))
if (name === "chrome") {
  const session = await page.createCDPSession()
  await session.send("Network.enable")
  session.on("Network.webSocketCreated", (e) => isOurs(e.url) || faults.push(`a WebSocket to ${e.url}`))
}
await page.evaluateOnNewDocument(() => {
  document.addEventListener("securitypolicyviolation", (e) => console.error(`against the policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`))
})
const sizes = { desk: [1280, 800], phone: [360, 740] }
const size = ([width, height]) => page.setViewport({ width, height, deviceScaleFactor: 1 })
page.setDefaultTimeout(120_000)
await size(sizes.desk)
const first = await page.goto(url)
if (!first.headers()["content-security-policy"]?.includes("default-src 'none'")) faults.push("the page has no strict policy")
await page.waitForSelector("#connection[data-state=open]")

const view = async (hash) => {
  await page.evaluate((hash) => (location.hash = hash), `#/${hash}`)
  await page.waitForFunction((hash) => document.querySelector(`nav [aria-current]`)?.hash === hash, { polling: 20, timeout: 120_000 }, `#/${hash}`)
}

/** The graph as a table. */
const table = async (wanted) => {
  await view("graph")
  const is = await page.$eval(".legend .chip[title*=table]", (e) => e.getAttribute("aria-pressed") === "true")
  if (is !== wanted) await page.keyboard.press("v")
  await page.waitForSelector(wanted ? ".page .discs" : "canvas")
}

/** The rows of a table, as objects by the titles of its columns. */
const rows = (caption) =>
  page.evaluate((caption) => {
    const table = [...document.querySelectorAll("main table")].find((t) => t.caption?.textContent === caption)
    if (!table) return []
    const text = (cell) => cell.innerText.replace(/[▾▴]/g, "").replace(/\s+/g, " ").trim()
    const titles = [...table.tHead.rows[0].cells].map(text)
    return [...table.tBodies[0].rows].map((row) => ({ id: row.dataset.id, ...Object.fromEntries(titles.map((title, i) => [title, text(row.cells[i])])) }))
  }, caption)

const figure = (text) => Number(text.replaceAll(",", ""))
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const axe = await readFile(createRequire(`${modules}/`).resolve("axe-core/axe.min.js"), "utf8")
let watched = ""

const commands = {
  async graph() {
    await table(true)
    const Lines = (await rows("Connections")).map(({ From, To, Transport, State }) => {
      return { From, To, Transport, State: /^(again in [0-9.]+ [mµ]?s|connecting)$/.test(State) ? "waiting" : State }
    })
    const Discs = await page.$$eval(".discs li", (all) => all.map((li) => ({ ID: li.dataset.id, Label: (li.querySelector("a") ?? li.firstChild).textContent, State: li.dataset.state })))
    return { Lines, Discs }
  },

  /** The figures at the head of the page. */
  figures() {
    return page.$$eval("[data-total]", (all) => Object.fromEntries(all.map((e) => [e.dataset.total, e.querySelector("dd").textContent])))
  },

  /** What the sockets of each process have sent and delivered. */
  async totals() {
    await view("rates")
    const all = {}
    for (const r of await rows("Sockets")) {
      const process = r.Process.replace(/ [0-9]+$/, "")
      const sum = (all[process] ??= { Sent: 0, Delivered: 0 })
      sum.Sent += figure(r["Sent in all"])
      sum.Delivered += figure(r["Delivered in all"])
    }
    return all
  },

  async drops() {
    await view("drops")
    const all = {}
    for (const r of await rows("Drops and refusals by cause")) {
      const cause = r.id.replaceAll("_", " ")
      for (const [column, kind] of [["Sending", "sending"], ["Receiving", "receiving"], ["Peers refused", "peers"]]) {
        if (figure(r[column]) > 0) all[`${cause} ${kind}`] = figure(r[column])
      }
    }
    return all
  },

  async node(instance) {
    await view(`node/${instance}`)
    return (await rows("Sockets")).length
  },

  async watch(instance) {
    await table(true)
    watched = instance
    return true
  },

  async gone() {
    await page.waitForFunction((id) => document.querySelector(`.discs [data-id="${id}"]`)?.dataset.state === "gone", { polling: 20, timeout: 120_000 }, watched)
    return true
  },

  /** What axe finds that is serious in a view. */
  async axe(which, name) {
    await page.evaluate(axe) // as a script of the page it would be against the policy
    await size(sizes[which])
    const found = []
    const look = async (what) => {
      const where = `${which}, ${await page.$eval("html", (e) => e.dataset.theme)}, ${what}`
      const violations = await page.evaluate(async () => {
        const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] })
        return violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html).slice(0, 3).join(" ")}`)
      })
      for (const v of violations) found.push(`${where}: ${v}`)
      if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) found.push(`${where}: it is wider than the screen`)
    }
    if (name === "graph") {
      await table(false)
      await page.focus("canvas")
      await page.waitForSelector("canvas[data-layout]")
      await page.waitForFunction(
        () => {
          const canvas = document.querySelector("canvas")
          if (!document.querySelector(".details h2")) canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }))
          return document.querySelector(".details h2")
        },
        { polling: 200 },
      )
      await look("details")
      await page.keyboard.press("Escape")
      await table(true)
    } else if (name === "node") {
      await table(true)
      await view((await page.$eval(".discs a", (a) => a.hash)).replace("#/", ""))
    } else if (name === "keys") {
      await page.keyboard.press("?")
      await page.waitForSelector("dialog[open]")
    } else {
      await view(name)
    }
    await look(name)
    if (name === "keys") {
      await page.keyboard.press("Escape")
      await page.waitForFunction(() => !document.querySelector("dialog"), { polling: 20 })
    }
    await size(sizes.desk)
    return found
  },

  /** Switches between light and dark. */
  async recolour() {
    const scheme = await page.$eval("html", (e) => e.dataset.theme)
    await page.keyboard.press("t")
    await page.waitForFunction((scheme) => document.documentElement.dataset.theme !== scheme, { polling: 20 }, scheme)
    return true
  },

  /** Takes pictures for the documentation. */
  async screens(folder) {
    await pause(60_000) // so that there is something to see
    const shot = async (file) => {
      await pause(2500)
      await page.screenshot({ path: `${folder}/${file}.png` })
    }
    const theme = async (wanted) => {
      if ((await page.$eval("html", (e) => e.dataset.theme)) !== wanted) await page.keyboard.press("t")
    }
    for (const [which, how] of [["desk", [1200, 720]], ["phone", sizes.phone]]) {
      await size(how)
      for (const scheme of ["dark", "light"]) {
        await theme(scheme)
        await table(false)
        await page.click(".zoom button:last-child")
        await shot(`dash-graph-${which}-${scheme}`)
        for (const name of ["rates", "queues", "connections", "events"]) {
          await view(name)
          await shot(`dash-${name}-${which}-${scheme}`)
        }
      }
    }
    await size(sizes.desk)
    return true
  },
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [command, ...args] = line.split(" ")
  let Answer = null
  try {
    Answer = await commands[command](...args)
  } catch (error) {
    faults.push(`${line}: ${error.stack}`)
  }
  console.log(JSON.stringify({ Answer, Faults: faults.splice(0) }))
}
await browser.close()
