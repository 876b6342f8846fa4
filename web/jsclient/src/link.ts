// SPDX-License-Identifier: MIT

import type { Reason } from "./socket.js"

/** What carries a connection: a WebSocket, or requests of HTTP to a gateway. */
export type Carrier = "websocket" | "http"

/** The statuses with which a link ends its WebSocket. Pages may use 1000 and those from 3000 on. */
export const Status = { normal: 1000, malformed: 4002, text: 4003, full: 4008, oversize: 4009, gone: 4001 } as const

/** A LinkOwner is told what happens on a link. */
export interface LinkOwner {
  /** It can be used from now on. */
  linkOpened(link: Link): void
  linkReceived(link: Link, frame: Uint8Array): void
  /** It is over, or could not be made. Nothing comes after this. */
  linkEnded(link: Link, reason: string): void
  /** There may be room again. Not all links say so. */
  linkHasRoom(link: Link): void
  /** Messages are missing before the next one: so many, or 0 if that is not known. */
  linkMissed(link: Link, messages: number): void
  /** A message was dropped. */
  linkDropped(link: Link, reason: Reason): void
  /** There will be no reply to the request with this id. */
  linkRefused(link: Link, id: number, reason: string): void
}

/** A Link is a connection, from the attempt to make it on. What moves on it are frames: messages with their routing headers. */
export interface Link {
  readonly url: string
  readonly carrier: Carrier
  readonly isOpen: boolean
  /** Whether it goes on where the one before it ended, so that nothing is missing. */
  readonly resumed: boolean
  /** How long the peer wants the next attempt to wait, in milliseconds. */
  readonly wait: number

  /** Whether a message can be sent now. */
  hasRoom(): boolean

  /** Whether everything has been sent. */
  isFlushed(): boolean

  /** Takes a message, which belongs to the caller again. An answer is of use for timeout milliseconds. */
  send(frame: Uint8Array, timeout?: number): void

  /** The number of messages that were taken, and may not have left this machine. Those of rest are not among them. */
  unsent(): number

  /** The messages that were taken, and have certainly not left. */
  rest(): Uint8Array[]

  /** The answer with this id is not wanted any more. */
  forget?(id: number): void

  /** The topics may have changed. */
  refresh?(): void

  /**
   * Has another link take its place. Calls swap once it can, with the messages that the other is to send; if that is false, nothing changes. Answers to
   * what it sent before still come. Then it ends. A link without this method keeps its place.
   */
  retire?(swap: (rest: Uint8Array[]) => boolean): void

  /** Ends the connection. Its owner learns the reason before fail returns. */
  fail(status: number, reason: string): void

  /** Ends the connection, without a word to the owner. Resolves when the peer has confirmed that, or never could. */
  close(status: number): Promise<void>
}
