import type { Address } from "./address.js";
import { type Body, Message } from "./message.js";
import type { Options } from "./options.js";
import { Receiving } from "./receiving.js";
/** A Bus sends each message to all of its peers, which are Buses, and receives theirs. When its queue is full, it drops the oldest. */
export declare class Bus extends Receiving<Message> {
    constructor(addresses?: Address | Address[], options?: Options);
    /** Sends a message to every connection. One without room does not get it: it is dropped and counted as "overflow". */
    send(body: Body): void;
}
