/** A Waiter is a call that waits for a value. */
export interface Waiter<T> {
    resolve(value: T): void;
    reject(reason: unknown): void;
}
/**
 * wait returns a promise whose waiter is given to start. What start returns is called if signal ends the wait before the waiter has been used; the promise
 * then rejects with the signal's reason.
 */
export declare function wait<T>(signal: AbortSignal | undefined, start: (waiter: Waiter<T>) => () => void): Promise<T>;
/** bounded is the longest time of a timer that is no longer than ms: what is longer, a timer takes for none. */
export declare function bounded(ms: number): number;
/** firstOf returns the first element of a set, in the order of their insertion, without removing it. */
export declare function firstOf<T>(set: Set<T>): T | undefined;
