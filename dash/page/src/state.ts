// SPDX-License-Identifier: MIT

import { computed, effect, signal } from "@preact/signals"
import type { Target } from "./geometry.js"
import { type Filter, type Grouping, manyProcesses } from "./graph.js"
import { Store } from "./store.js"

/** What the server has told. Views read it whenever tick changes. */
export const store = new Store()
export const tick = signal(0)

let planned = false

/** told has the views show what has come, soon: seldom if it is much. */
export function told(): void {
  if (planned) return
  planned = true
  setTimeout(
    () => {
      planned = false
      tick.value++
    },
    store.nodes.size > manyProcesses / 2 ? 1000 : 200,
  )
}

export const connection = signal<{ state: string; reason: string; until: number }>({ state: "connecting", reason: "", until: 0 })

export const views = [
  { name: "graph", title: "Graph", key: "1" },
  { name: "rates", title: "Rates", key: "2" },
  { name: "queues", title: "Queues", key: "3" },
  { name: "drops", title: "Drops", key: "4" },
  { name: "connections", title: "Connections", key: "5" },
  { name: "events", title: "Events", key: "6" },
  { name: "tap", title: "Tap", key: "7" },
] as const

/** The address of the page after "#/": a view, and what it shows. */
export const route = signal<string[]>(["graph"])

function readHash(): void {
  const parts = location.hash.replace(/^#\/?/, "").split("/").map(decode)
  route.value = parts[0] ? parts : ["graph"]
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export function go(...parts: string[]): void {
  location.hash = `#/${parts.map(encodeURIComponent).join("/")}`
}

export const linkTo = (...parts: string[]) => `#/${parts.map(encodeURIComponent).join("/")}`

export const text = signal("")
export const protocols = signal<ReadonlySet<string>>(new Set())
export const transports = signal<ReadonlySet<string>>(new Set())
export const filter = computed<Filter>(() => ({ text: text.value.trim(), protocols: protocols.value, transports: transports.value }))
export const grouping = signal<Grouping>("auto")
export const openGroups = signal<ReadonlySet<string>>(new Set())
export const chosen = signal<Target | undefined>(undefined)
export const asTable = signal(false)
export const help = signal(false)
export const eventsPaused = signal(false)

/** toggled is the set with an element more, or less. */
export function toggled(set: ReadonlySet<string>, element: string): ReadonlySet<string> {
  const next = new Set(set)
  if (!next.delete(element)) next.add(element)
  return next
}

const darkness = matchMedia("(prefers-color-scheme: dark)")
const stillness = matchMedia("(prefers-reduced-motion: reduce)")
export const isStill = signal(stillness.matches)
const systemDark = signal(darkness.matches)

/** What the user chose, kept for the next time. */
export const themeChoice = signal<"light" | "dark" | undefined>(keptTheme())
export const theme = computed(() => themeChoice.value ?? (systemDark.value ? "dark" : "light"))

function keptTheme(): "light" | "dark" | undefined {
  try {
    const kept = localStorage.getItem("spry-theme")
    return kept === "light" || kept === "dark" ? kept : undefined
  } catch {
    return undefined // a browser that keeps nothing
  }
}

export function switchTheme(): void {
  themeChoice.value = theme.value === "dark" ? "light" : "dark"
  try {
    localStorage.setItem("spry-theme", themeChoice.value)
  } catch {
    // it is for this time only
  }
}

/** begin listens to the browser. */
export function begin(): void {
  addEventListener("hashchange", readHash)
  readHash()
  darkness.addEventListener("change", (e) => {
    systemDark.value = e.matches
  })
  stillness.addEventListener("change", (e) => {
    isStill.value = e.matches
  })
  effect(() => {
    document.documentElement.dataset.theme = theme.value
  })
}
