// SPDX-License-Identifier: MIT

import type { Address } from "./address.js"
import { SpryError } from "./errors.js"
import { backtraceLength, withHeader } from "./header.js"
import { type Link, Status } from "./link.js"
import { type Body, bytesOf, Message } from "./message.js"
import type { Options } from "./options.js"
import { type Overflow, Receiving } from "./receiving.js"

/** A Call is a request or a survey, which can be answered once. */
export class Call extends Message {
  private answer: ((body: Uint8Array, signal?: AbortSignal) => Promise<void>) | undefined

  /** @internal */
  constructor(bytes: Uint8Array, answer: (body: Uint8Array, signal?: AbortSignal) => Promise<void>) {
    super(bytes)
    this.answer = answer
  }

  /**
   * Sends the reply to the peer that asked. Rejects with "no_peer" if its connection has ended; it asks again, or another. Rejects with "replied" if there
   * was a reply before.
   */
  reply(body: Body, options: { signal?: AbortSignal } = {}): Promise<void> {
    const { answer } = this
    if (!answer) return Promise.reject(new SpryError("replied", "this call has its reply"))
    this.answer = undefined
    return answer(bytesOf(body), options.signal)
  }
}

/** A Replier is a Rep or a Respondent. */
abstract class Replier extends Receiving<Call> {
  /** @internal */
  protected constructor(peer: string, addresses: Address | Address[] | undefined, options: Options, overflow: Overflow) {
    super(peer, addresses, options, overflow)
  }

  /** @internal */
  protected received(link: Link, frame: Uint8Array): void {
    const length = backtraceLength(frame, this.settings.ttl)
    if (typeof length === "string") {
      this.drop(length)
      if (length === "envelope") link.fail(Status.malformed, "a request without an id")
      return
    }
    const header = frame.slice(0, length)
    const pick = () => (!this.links.includes(link) ? null : link.hasRoom() ? link : undefined)
    this.enqueue(new Call(frame.subarray(length), (body, signal) => this.deliver(withHeader(header, body), pick, signal)), link)
  }
}

/** A Rep receives requests from its peers, which are Reqs, and replies to them, in any order. */
export class Rep extends Replier {
  constructor(addresses?: Address | Address[], options: Options = {}) {
    super("req", addresses, options, "hold")
  }
}

/** A Respondent receives surveys from its peers, which are Surveyors, and may answer them. When its queue is full, it drops the oldest. */
export class Respondent extends Replier {
  constructor(addresses?: Address | Address[], options: Options = {}) {
    super("surveyor", addresses, options, "oldest")
  }
}
