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
