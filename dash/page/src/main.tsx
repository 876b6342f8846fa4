// SPDX-License-Identifier: MIT

import "uplot/dist/uPlot.min.css"
import "./style.css"
import { render } from "preact"
import { follow } from "./feed.js"
import { asTable, begin, chosen, eventsPaused, go, help, switchTheme, views } from "./state.js"
import { App } from "./views/app.js"

begin()
const root = document.getElementById("app")!
root.replaceChildren()
render(<App />, root)
void follow()

addEventListener("keydown", (e) => {
  const { target, key } = e
  if (e.ctrlKey || e.metaKey || e.altKey || help.value) return
  if (target instanceof HTMLElement && target.matches("input, select, textarea")) {
    if (key === "Escape") target.blur()
    return
  }
  const view = views.find((v) => v.key === key)
  if (view) go(view.name)
  else if (key === "/") document.getElementById("filter")?.focus()
  else if (key === "t") switchTheme()
  else if (key === "v") asTable.value = !asTable.value
  else if (key === "p") eventsPaused.value = !eventsPaused.value
  else if (key === "?") help.value = true
  else if (key === "Escape") chosen.value = undefined
  else return
  e.preventDefault()
})
