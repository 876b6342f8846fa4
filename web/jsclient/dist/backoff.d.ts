/** A Backoff says how long to wait between attempts to connect, in milliseconds. */
export declare class Backoff {
    private readonly min;
    private readonly max;
    private readonly random;
    private attempts;
    constructor(min: number, max: number, random?: () => number);
    /** The delay before the next attempt: it doubles, and half of it is random, so that clients of a server that restarted do not come at once. */
    next(): number;
    /** Begin again with the shortest delay. */
    reset(): void;
}
