// SPDX-License-Identifier: MIT

/** A Waiter is a call that waits for a value. */
export interface Waiter<T> {
  resolve(value: T): void
  reject(reason: unknown): void
}

/**
 * wait returns a promise whose waiter is given to start. What start returns is called if signal ends the wait before the waiter has been used; the promise
 * then rejects with the signal's reason.
 */
export function wait<T>(signal: AbortSignal | undefined, start: (waiter: Waiter<T>) => () => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (!signal) {
      start({ resolve, reject })
      return
    }
    const aborted = () => {
      cancel()
      reject(signal.reason)
    }
    const settled = () => signal.removeEventListener("abort", aborted)
    const cancel = start({
      resolve(value) {
        settled()
        resolve(value)
      },
      reject(reason) {
        settled()
        reject(reason)
      },
    })
    signal.addEventListener("abort", aborted, { once: true })
  })
}

/** bounded is the longest time of a timer that is no longer than ms: what is longer, a timer takes for none. */
export function bounded(ms: number): number {
  return Math.min(ms, 2 ** 31 - 1)
}

/** firstOf returns the first element of a set, in the order of their insertion, without removing it. */
export function firstOf<T>(set: Set<T>): T | undefined {
  for (const element of set) return element
  return undefined
}

/** sleep waits, and is awoken by the signal. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer)
      signal.removeEventListener("abort", over)
      resolve()
    }
    const timer = setTimeout(over, bounded(ms))
    signal.addEventListener("abort", over)
    if (signal.aborted) over()
  })
}

/** A Patience ends when it was not renewed for a time. Then it looks once more, because a timer may be late, and events wait behind it. */
export class Patience {
  private renewed = Date.now()
  private timer: ReturnType<typeof setTimeout>

  constructor(
    private readonly ms: number,
    private readonly over: () => void,
  ) {
    this.timer = setTimeout(() => this.look(false), bounded(ms))
  }

  renew(): void {
    this.renewed = Date.now()
  }

  stop(): void {
    clearTimeout(this.timer)
  }

  private look(again: boolean): void {
    const rest = this.renewed + this.ms - Date.now()
    if (rest <= 0 && again) {
      this.over()
    } else {
      this.timer = setTimeout(() => this.look(rest <= 0), bounded(Math.max(0, rest)))
    }
  }
}
