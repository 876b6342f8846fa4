// SPDX-License-Identifier: MIT

/** What went wrong, for programs. */
export type ErrorCode =
  | "closed" // the socket was closed
  | "full" // more bytes wait to be sent than sendQueueBytes
  | "no_peer" // the peer that asked has gone
  | "refused" // a gateway will not take this request
  | "replied" // the call has its reply
  | "config" // an option or a URL is invalid

/** A SpryError is an error of a socket. A call that its AbortSignal ended rejects with the signal's reason instead. */
export class SpryError extends Error {
  override readonly name = "SpryError"
  readonly code: ErrorCode

  /** @internal */
  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
