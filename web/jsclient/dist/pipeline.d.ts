import type { Address } from "./address.js";
import { type Body, Message } from "./message.js";
import type { Options } from "./options.js";
import { Receiving } from "./receiving.js";
import { Socket } from "./socket.js";
/** A Push sends each message to one of its peers, which are Pulls: in turn, to those that have room. */
export declare class Push extends Socket {
    private readonly turns;
    constructor(addresses?: Address | Address[], options?: Options);
    /** Sends a message. The promise resolves when a connection has taken it; a call waits while there is no connection with room. */
    send(body: Body, options?: {
        signal?: AbortSignal;
    }): Promise<void>;
}
/** A Pull receives messages from its peers, which are Pushes. When its queue is full, it ends the connection, and dials again when there is room. */
export declare class Pull extends Receiving<Message> {
    constructor(addresses?: Address | Address[], options?: Options);
}
