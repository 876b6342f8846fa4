import type { Address } from "./address.js";
import { type Body, Message } from "./message.js";
import type { Options } from "./options.js";
import { Socket } from "./socket.js";
/** The options of a Req. */
export interface ReqOptions extends Options {
    /** A request that has no reply after so many milliseconds is sent again, to another peer if there is one. Defaults to 60 s; Infinity means never. */
    retryAfter?: number;
}
/**
 * A Req sends requests, each to one of its peers, which are Reps: the one with the fewest requests. Any number can be under way. A request is sent again
 * when its connection ends or a reply takes long, so a peer may see it twice.
 */
export declare class Req extends Socket {
    private readonly retryAfter;
    private readonly pending;
    private readonly waiting;
    private readonly load;
    private waitingBytes;
    private lastId;
    private timer;
    constructor(addresses?: Address | Address[], options?: ReqOptions);
    /** Sends a request, and resolves with its reply. When the signal aborts, it rejects with the signal's reason, and a later reply is dropped. */
    request(body: Body, options?: {
        signal?: AbortSignal;
    }): Promise<Message>;
    /** Sends a request, or has it wait for room. */
    private post;
    private put;
    private queue;
    private unqueue;
    private remove;
    private unload;
    /** The connection with room and the fewest requests; except only if there is no other. */
    private lightest;
    private startTimer;
    private retry;
}
