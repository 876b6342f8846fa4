// SPDX-License-Identifier: MIT

import type { Address } from "./address.js"
import { nextId, randomId, withWord, wordOf } from "./header.js"
import { closed, Inbox, messagesOf } from "./inbox.js"
import { type Link, Status } from "./link.js"
import { type Body, bytesOf, Message } from "./message.js"
import type { Options } from "./options.js"
import { Socket } from "./socket.js"
import { bounded } from "./wait.js"

/** A Survey is the answers to one survey, as they come, until its time is over. Leaving a loop over it ends it. */
export class Survey implements AsyncIterable<Message> {
  /** @internal */
  constructor(
    private readonly inbox: Inbox<Message>,
    private readonly end: () => void,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Waits until the time is over, and returns all answers that were not taken before. */
  async all(): Promise<Message[]> {
    const answers: Message[] = []
    for await (const answer of this) answers.push(answer)
    return answers
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    const messages = messagesOf(() => this.inbox.take(this.signal))
    const leave = messages.return!
    messages.return = () => {
      this.end()
      return leave.call(messages)
    }
    return messages
  }
}

/** A Surveyor asks all of its peers, which are Respondents, at once. Several surveys can be under way. */
export class Surveyor extends Socket {
  private readonly surveys = new Map<number, { inbox: Inbox<Message>; end: () => void }>()
  private lastId = randomId()

  constructor(addresses?: Address | Address[], options: Options = {}) {
    super("respondent", addresses, options)
  }

  /**
   * Sends a survey to every connection; one without room does not get it, which is counted as "overflow". Answers are received for timeout milliseconds, 1000
   * by default. Later ones are dropped and counted as "stale". If the signal aborts, taking an answer rejects; if it has, survey throws.
   */
  survey(body: Body, options: { timeout?: number; signal?: AbortSignal } = {}): Survey {
    if (this.isClosed) throw closed()
    options.signal?.throwIfAborted()
    const bytes = bytesOf(body)
    do this.lastId = nextId(this.lastId)
    while (this.surveys.has(this.lastId))
    const id = this.lastId
    const inbox = new Inbox<Message>(this.settings.recvQueueBytes)
    const { timeout = 1000, signal } = options
    const forget = () => {
      clearTimeout(timer)
      signal?.removeEventListener("abort", forget)
      this.surveys.delete(id)
      for (const link of asked) link.forget?.(id)
    }
    const end = () => {
      forget()
      inbox.finish()
    }
    const asked = [...this.links]
    const timer = setTimeout(end, bounded(timeout))
    signal?.addEventListener("abort", forget) // calls that wait reject by themselves
    this.surveys.set(id, { inbox, end })
    this.giveAll(withWord(id, bytes), timeout)
    return new Survey(inbox, end, signal)
  }

  /** @internal */
  protected received(link: Link, frame: Uint8Array): void {
    const id = wordOf(frame)
    if (id === undefined || id < 0x80000000) {
      this.drop("envelope")
      link.fail(Status.malformed, "an answer without the id of its survey")
      return
    }
    const inbox = this.surveys.get(id)?.inbox
    if (!inbox || inbox.isFull) {
      this.drop(inbox ? "overflow" : "stale")
    } else {
      inbox.put(new Message(frame.subarray(4)))
    }
  }

  /** @internal */
  protected override closing(): void {
    for (const { end } of this.surveys.values()) end()
  }
}
