// SPDX-License-Identifier: MIT

// Figures as people read them. The same figure has the same width as far as possible, so that tables do not jump.

const steps = ["", "k", "M", "G", "T", "P"]

/** count formats a number of things with three digits: 999, 1.23k, 45.6M. */
export function count(n: number): string {
  if (!Number.isFinite(n)) return "–"
  if (Math.abs(n) < 999.5) return n === 0 ? "0" : Number.isInteger(n) || Math.abs(n) >= 100 ? n.toFixed(0) : n.toFixed(n < 0.095 ? 2 : 1)
  let step = 0
  while (Math.abs(n) >= 999.5 && step < steps.length - 1) {
    n /= 1000
    step++
  }
  return `${n.toPrecision(3)}${steps[step]}`
}

/** exact formats a count with all digits, in groups. */
export function exact(n: number): string {
  return n.toLocaleString("en")
}

/** rate formats a number per second. */
export function rate(n: number): string {
  return `${count(n)}/s`
}

/** bytes formats a size in powers of 1024. */
export function bytes(n: number): string {
  let step = 0
  while (Math.abs(n) >= 1023.5 && step < steps.length - 1) {
    n /= 1024
    step++
  }
  if (step === 0) return `${n.toFixed(0)} B`
  return `${n >= 99.95 ? n.toFixed(0) : n.toPrecision(n >= 9.995 ? 3 : 2)} ${steps[step]!.toUpperCase()}iB`
}

/** duration formats nanoseconds: 12 µs, 3.40 ms, 1.5 s, 2m 05s, 3h 07m, 4d 02h. */
export function duration(ns: number): string {
  if (ns < 1e3) return `${ns.toFixed(0)} ns`
  if (ns < 1e6) return `${digits(ns / 1e3)} µs`
  if (ns < 1e9) return `${digits(ns / 1e6)} ms`
  const s = ns / 1e9
  if (s < 60) return `${digits(s)} s`
  const two = (n: number) => String(Math.floor(n)).padStart(2, "0")
  if (s < 3600) return `${Math.floor(s / 60)}m ${two(s % 60)}s`
  if (s < 86400) return `${Math.floor(s / 3600)}h ${two((s % 3600) / 60)}m`
  return `${Math.floor(s / 86400)}d ${two((s % 86400) / 3600)}h`
}

function digits(n: number): string {
  return n >= 99.95 ? n.toFixed(0) : n.toPrecision(n >= 9.995 ? 3 : 2)
}

/** since formats the time between two moments, in milliseconds, as whole seconds and up. */
export function since(from: string | undefined, now: number): string {
  const at = Date.parse(from ?? "")
  if (Number.isNaN(at)) return "–"
  const s = Math.max(0, Math.floor((now - at) / 1000))
  return s < 60 ? `${s} s` : duration(s * 1e9)
}

/** clock formats the time of the day, with milliseconds. */
export function clock(at: string): string {
  const t = new Date(at)
  if (Number.isNaN(t.getTime())) return at
  return `${t.toLocaleTimeString("en-GB")}.${String(t.getMilliseconds()).padStart(3, "0")}`
}

/** day formats a date. */
export function day(at: string | undefined): string {
  const t = new Date(at ?? "")
  return Number.isNaN(t.getTime()) ? "–" : t.toISOString().slice(0, 10)
}

/** percent formats a share. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)} %`
}

/** A Word for a reason, "pipe_closed" for example. */
export function words(name: string): string {
  return name.replaceAll("_", " ")
}
