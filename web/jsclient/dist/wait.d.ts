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
/** sleep waits, and is awoken by the signal. */
export declare function sleep(ms: number, signal: AbortSignal): Promise<void>;
/** A Patience ends when it was not renewed for a time. Then it looks once more, because a timer may be late, and events wait behind it. */
export declare class Patience {
    private readonly ms;
    private readonly over;
    private renewed;
    private timer;
    constructor(ms: number, over: () => void);
    renew(): void;
    stop(): void;
    private look;
}
