// SPDX-License-Identifier: MIT

/** A Sample is a message that the tap shows. */
export interface Sample {
  time: string
  direction: string
  pipe?: number
  size: number
  /** Base64; it may be cut. */
  body?: string
  /** Messages that were not shown before this one. */
  skipped?: number
}

/** How many bytes of a message that is no text are shown. */
const shownBytes = 512

/** bodyOf makes the body of a sample readable: JSON indented, text as it is, and other bytes in hexadecimal with what is readable beside. */
export function bodyOf(base64: string): { kind: "json" | "text" | "bytes" | "empty"; text: string } {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
  if (bytes.length === 0) return { kind: "empty", text: "" }
  let text: string | undefined
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    // not UTF-8
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what makes it bytes
  if (text === undefined || /[\u0000-\u0008\u000e-\u001f]/.test(text)) return { kind: "bytes", text: hexdump(bytes.subarray(0, shownBytes)) }
  if (/^\s*[[{]/.test(text)) {
    try {
      return { kind: "json", text: JSON.stringify(JSON.parse(text), undefined, 2) }
    } catch {
      // cut, or no JSON
    }
  }
  return { kind: "text", text }
}

function hexdump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)]
    const hex = row.map((b) => b.toString(16).padStart(2, "0")).join(" ")
    const chars = row.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : "·")).join("")
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${chars}`)
  }
  return lines.join("\n")
}
