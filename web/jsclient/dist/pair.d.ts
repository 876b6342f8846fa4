import type { Address } from "./address.js";
import { type Body, Message } from "./message.js";
import type { Options } from "./options.js";
import { Receiving } from "./receiving.js";
/** The options of a Pair. */
export interface PairOptions extends Options {
    /** The version of the protocol, 0 or 1, which must be one of the peer's: a Pair of Spry has both. Defaults to 1. */
    version?: 0 | 1;
}
/** A Pair talks with one peer, a Pair, in both directions. When its queue is full, it ends the connection, and dials again when there is room. */
export declare class Pair extends Receiving<Message> {
    private readonly version;
    constructor(address?: Address, options?: PairOptions);
    /** Sends a message. The promise resolves when the WebSocket has taken it; a call waits while there is no connection with room. */
    send(body: Body, options?: {
        signal?: AbortSignal;
    }): Promise<void>;
}
