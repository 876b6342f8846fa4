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
   * was a reply before. After another failure it can be called again.
   */
  reply(body: Body, options: { signal?: AbortSignal } = {}): Promise<void> {
    const { answer } = this
    if (!answer) return Promise.reject(new SpryError("replied", "this call has its reply"))
    const sent = answer(bytesOf(body), options.signal)
    this.answer = undefined
    return sent.catch((reason) => {
      if (reason?.code !== "no_peer") this.answer = answer // it can be tried again
      throw reason
    })
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
    const header = new Uint8Array(frame.subarray(0, length))
    const answer = (body: Uint8Array, signal?: AbortSignal) => this.deliverOn(link, withHeader(header, body), signal)
    this.enqueue(new Call(frame.subarray(length), answer), link)
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
