// SPDX-License-Identifier: MIT
//
// browser.mjs MODULES chrome|firefox PROGRAM PROFILE URL
//
// Opens the page in a browser without a window, and prints what is wrong in it. The commands are lines: "hide" puts another tab before the
// page, and "show" the page itself; it prints the state of the page then. It ends with its standard input.

import { createRequire } from "node:module"
import readline from "node:readline"
import { pathToFileURL } from "node:url"

/** Starts a browser. Firefox has no emulation of media features, so the colour scheme is a preference of the whole browser. */
export async function launch(modules, name, executablePath, userDataDir, scheme = "light") {
  const puppeteer = (await import(pathToFileURL(createRequire(modules + "/").resolve("puppeteer-core")))).default
  return puppeteer.launch({
    browser: name,
    executablePath,
    userDataDir,
    args: name === "chrome" ? ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"] : [],
    // Tabs in the background are to be slow, as they are for users.
    ignoreDefaultArgs: ["--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding"],
    extraPrefsFirefox: { "layout.css.prefers-color-scheme.content-override": scheme === "dark" ? 0 : 1 },
  })
}

// The browser's own word that a WebSocket was not connected, or a request not answered to its end.
const ofConnections = /wss?:\/\/\S+( failed:|\.$| was interrupted)|net::ERR_(CONNECTION_[A-Z]+|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING) /

/** Calls complain with every error of a page, but not with what the browser says of connections: tests have servers end. */
export function watch(page, complain) {
  const hear = (text) => ofConnections.test(text) || complain(text)
  page.on("console", (m) => ["error", "warn"].includes(m.type()) && hear(`console: ${m.text()} ${m.location().url ?? ""}`))
  page.on("pageerror", (e) => hear(`error: ${e.message}`))
}

if (process.argv[1].endsWith("browser.mjs")) {
  const [modules, name, program, profile, url] = process.argv.slice(2)
  const browser = await launch(modules, name, program, profile)
  const page = await browser.newPage()
  watch(page, console.log)
  await page.goto(url)
  const other = await browser.newPage()
  await page.bringToFront()
  for await (const line of readline.createInterface({ input: process.stdin })) {
    await (line === "hide" ? other : page).bringToFront()
    const state = line === "hide" ? "hidden" : "visible"
    await page.waitForFunction((state) => document.visibilityState === state, { polling: 50 }, state)
    console.log(state)
  }
  await browser.close()
}
