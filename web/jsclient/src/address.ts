// SPDX-License-Identifier: MIT

import { SpryError } from "./errors.js"

/**
 * Where to connect: a ws or wss URL, an http or https URL, or a path on the server of the page. A function is called before each attempt, for URLs with a
 * token that expires.
 */
export type Address = string | URL | (() => string | URL | Promise<string | URL>)

/** resolve returns the URL of a WebSocket. */
export function resolve(address: string | URL): string {
  const page = (globalThis as { location?: { href: string } }).location?.href
  let url: URL
  try {
    url = new URL(address, page)
  } catch {
    throw new SpryError("config", `${redact(String(address))} is no URL, such as wss://example.com/jobs`)
  }
  url.protocol = url.protocol.replace(/^http/, "ws")
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new SpryError("config", `${redact(url.href)} is no URL of a WebSocket: use ws or wss`)
  }
  url.hash = ""
  return url.href
}

/** gatewayOf returns the URL of the gateway of a WebSocket: the same, or another one, which may be relative to that. */
export function gatewayOf(target: string, fallback: boolean | string): string {
  const base = target.replace(/^ws/, "http")
  const url = typeof fallback === "string" ? new URL(fallback, base).href : base
  if (!/^https?:/.test(url)) throw new SpryError("config", `${redact(url)} is no URL of a gateway: use http or https`)
  return url
}

/** redact leaves out what may be secret of a URL: the user and the parameters. */
export function redact(url: string): string {
  return url.replace(/[?#].*$/s, "").replace(/\/\/[^/]*@/, "//")
}
