// SPDX-License-Identifier: MIT
//
// pages.mjs MODULES chrome|firefox PROGRAM PROFILE EXAMPLE URL FOLDER
//
// Uses the page of an example in a browser by the keyboard, on a phone and on a desk, dark and light, and takes a picture of each in the folder.
// It prints what is wrong, and at last "done".

import { launch, watch } from "./browser.mjs"

const [modules, name, program, profile, example, url, folder] = process.argv.slice(2)

// What a person does, and sees.
const uses = {
  async webchat(page, browser) {
    await page.waitForSelector("#state.open")
    const other = await browser.newPage()
    await other.goto(url)
    await other.waitForSelector("#state.open")
    const say = async (who, name, text) => {
      await who.bringToFront()
      await who.evaluate(() => sessionStorage.clear())
      await who.focus("#name")
      await who.$eval("#name", (e) => (e.value = ""))
      await who.keyboard.type(name)
      await who.keyboard.press("Tab")
      await who.keyboard.type(text)
      await who.keyboard.press("Enter")
      for (const reader of [page, other]) {
        await reader.waitForFunction((text) => [...document.querySelectorAll("li")].some((li) => li.textContent.includes(text)), {}, text)
      }
    }
    await say(other, "Ada", "Is the <b>build</b> green?")
    await say(page, "Grace", "Since noon. The fuzzers found nothing.")
    await say(other, "Ada", "Then let us ship it.")
    await page.bringToFront()
    await other.close()
    return (await page.$$("li.mine")).length === 1 && (await page.$$("li b b")).length === 0
  },
  async livechart(page) {
    await page.waitForFunction(() => document.querySelector("#heap b").textContent !== "" && document.querySelector("#state").textContent === "open")
    await new Promise((resolve) => setTimeout(resolve, process.env.SPRY_SCREENS ? 21_000 : 500)) // so that there is something to see
    await page.keyboard.press(" ")
    const paused = await page.$eval("#pause", (e) => e.getAttribute("aria-pressed"))
    await page.keyboard.press(" ")
    return paused === "true" && (await page.$eval("#pause", (e) => e.getAttribute("aria-pressed"))) === "false"
  },
  async cookbook(page) {
    const text = `said at ${await page.evaluate(() => innerWidth)}` // pages of earlier sizes have said other things
    const line = (text) => [...document.querySelectorAll("li")].some((li) => li.textContent === text)
    for (let said = false; !said; ) { // what is said before the page has subscribed is not heard
      await page.$eval("#line", (e) => (e.value = ""))
      await page.focus("#line")
      await page.keyboard.type(text)
      await page.keyboard.press("Enter")
      said = await page.waitForFunction(line, { timeout: 1000 }, text).catch(() => false)
    }
    return true
  },
  async wasm(page) {
    await page.waitForFunction(() => /^[0-9:.]{10}$/.test(document.querySelector("output").textContent))
    const before = await page.$eval("output", (e) => e.textContent)
    await page.waitForFunction((before) => document.querySelector("output").textContent !== before, {}, before)
    return true
  },
  async jobform(page) {
    await page.waitForFunction(() => document.querySelector("#state").textContent === "open")
    await page.keyboard.press("Enter") // the text has the focus
    await page.waitForFunction(() => document.querySelector("code").textContent.startsWith("0000"))
    await page.focus("#zeros")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.focus("li button")
    await page.keyboard.press("Enter")
    await page.waitForFunction(() => document.querySelector("li small").textContent !== "working")
    return (await page.$$("li")).length === 2 && (await page.$$("li button")).length === 0
  },
}

try {
  for (const scheme of ["light", "dark"]) {
    const browser = await launch(modules, name, program, `${profile}/${scheme}`, scheme)
    try {
      for (const [size, width, height] of [["phone", 390, 780], ["desk", 1000, 640]]) await use(browser, scheme, size, width, height)
    } finally {
      await browser.close()
    }
  }
  console.log("done")
} catch (error) {
  console.log(`failed: ${error.message}`)
}

async function use(browser, scheme, size, width, height) {
  const complain = (text) => console.log(`${size}, ${scheme}: ${text}`)
  const page = await browser.newPage()
  watch(page, complain)
  page.on("requestfailed", (r) => complain(`no ${r.url()}: ${r.failure()?.errorText}`))
  await page.setViewport({ width, height, deviceScaleFactor: 1 })
  if (name === "chrome") await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }])
  await page.goto(url)
  if (!(await page.evaluate((scheme) => matchMedia(`(prefers-color-scheme: ${scheme})`).matches, scheme))) complain("the colours are others")
  if (!(await uses[example](page, browser))) complain("it shows something else")
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) complain("it is wider than the screen")
  await page.screenshot({ path: `${folder}/${example}-${size}-${scheme}.png` })
  await page.close()
}
