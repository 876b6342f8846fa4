// SPDX-License-Identifier: MIT
//
// site.mjs MODULES chrome|firefox PROGRAM PROFILE URL LIST
//
// Reads the documentation's site in a browser, on a phone and on a desk, dark and light: it searches by the keyboard, and then opens every page
// of the list. It prints what is wrong, and at last "done". Before that, lines with "has" say how far it is.

import { readFileSync } from "node:fs"
import { launch, watch } from "./browser.mjs"

const [modules, name, program, profile, url, list] = process.argv.slice(2)
const pages = readFileSync(list, "utf8").split("\n")
const sizes = { phone: [390, 780], desk: [1280, 800] }
// What is searched for, the page that is to be found, and its title.
const searches = [
  ["acknowledgements worker", "/docs/cookbook/worker-pool", "A worker pool with acknowledgements"],
  ["browser client", "/docs/cookbook/browser", "A browser client over WebSocket"],
  ["nanomsg NNG comparison", "/docs/guide/comparison", "Comparison"],
  ["zpoller", "/docs/guide/migrating-zeromq", "Coming from ZeroMQ"],
]

try {
  for (const scheme of ["light", "dark"]) {
    await inBrowser(scheme, async (open) => {
      for (const size in sizes) {
        for (const search of size === "desk" ? searches : searches.slice(0, 1)) {
          await find(open, size, scheme, ...search)
          console.log(`has found ${search[1]}`)
        }
      }
    })
  }
  let read = 0
  await inBrowser("light", async (open) => {
    const { page, complain } = await open("phone") // where a page that is too wide shows first
    for (const path of pages) {
      await page.goto(`${url}/${path}`)
      await page.waitForSelector("h1, .VPHome")
      await fits(page, (text) => complain(`${path}: ${text}`))
      console.log(`has read ${++read} pages`)
    }
    await page.close()
  })
  console.log("done")
} catch (error) {
  console.log(`failed: ${error.message}`)
}

/** Calls use with a function that opens a page of a size. */
async function inBrowser(scheme, use) {
  const browser = await launch(modules, name, program, `${profile}/${scheme}-${Date.now()}`, scheme)
  try {
    await use(async (size) => {
      const complain = (text) => console.log(`${size}, ${scheme}: ${text}`)
      const page = await browser.newPage()
      page.setDefaultTimeout(150_000)
      watch(page, complain)
      page.on("request", (r) => r.url().startsWith(`${url}/`) || r.url().startsWith("data:") || complain(`it asks ${r.url()}`))
      page.on("requestfailed", (r) => /ABORTED/i.test(r.failure()?.errorText) || complain(`no ${r.url()}: ${r.failure()?.errorText}`))
      page.on("response", (r) => r.status() < 400 || complain(`${r.status()} for ${r.url()}`))
      const [width, height] = sizes[size]
      await page.setViewport({ width, height, deviceScaleFactor: 1 })
      if (name === "chrome") await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }])
      return { page, complain }
    })
  } finally {
    await browser.close()
  }
}

/** Finds a page by the search, as a person does. */
async function find(open, size, scheme, words, path, title) {
  const { page, complain } = await open(size)
  await page.goto(`${url}/`)
  const dark = await page.evaluate(() => document.documentElement.classList.contains("dark"))
  const colour = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const bright = colour.match(/\d+/g).slice(0, 3).every((part) => part > 127)
  if (dark !== (scheme === "dark") || bright === dark) complain(`the page is ${colour}`)
  await fits(page, complain)
  // A click before the page's scripts have run is lost, and one behind the open search closes it.
  for (let open = null; !open; ) {
    if (!(await page.$(".VPLocalSearchBox"))) await page.click("#local-search button")
    open = await page.waitForSelector("#localsearch-input", { timeout: 5000 }).catch(() => null)
  }
  await page.focus("#localsearch-input")
  await page.keyboard.type(words)
  await page.waitForFunction((path) => [...document.querySelectorAll(".results .result")].some((result) => result.href.includes(path)), {}, path)
  await fits(page, complain)
  for (let at = 0; !(await page.$eval(".results .result.selected", (result) => result.href)).includes(path); at++) {
    if (at === 5) throw new Error(`${path} is not among the first of ${words}`)
    await page.keyboard.press("ArrowDown")
    await page.waitForFunction((at) => document.querySelectorAll(".results .result")[at].classList.contains("selected"), {}, at + 1)
  }
  await page.keyboard.press("Enter")
  await page.waitForFunction((title) => document.querySelector("h1")?.textContent.includes(title), {}, title)
  if (!new URL(page.url()).pathname.startsWith(path)) complain(`the search led to ${page.url()}`)
  await fits(page, complain)
  await page.close()
}

async function fits(page, complain) {
  const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  if (width > 0) complain(`it is ${width} pixels wider than the screen`)
}
