// SPDX-License-Identifier: MIT

// The style sheet has the colours. The canvas reads them there.

/** The transports with a colour of their own; others share one. */
export const transports = ["inproc", "ipc", "tcp", "tls+tcp", "ws", "wss"] as const

export interface Colours {
  text: string
  muted: string
  faint: string
  surface: string
  raised: string
  line: string
  accent: string
  red: string
  amber: string
  font: string
  transport: (name: string) => string
}

export function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element)
  const get = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const by = new Map(transports.map((t) => [t as string, get(`t-${classOf(t)}`)]))
  const other = get("t-other")
  return {
    text: get("text"),
    muted: get("muted"),
    faint: get("faint"),
    surface: get("surface"),
    raised: get("raised"),
    line: get("line"),
    accent: get("accent"),
    red: get("red"),
    amber: get("amber"),
    font: style.fontFamily,
    transport: (name) => by.get(name) ?? other,
  }
}

/** classOf is the name of a transport in the style sheet. */
export function classOf(transport: string): string {
  const name = transport.replace("tls+tcp", "tls")
  return (transports as readonly string[]).includes(transport) ? name : "other"
}
