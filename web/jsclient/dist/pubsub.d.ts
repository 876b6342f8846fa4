import type { Address } from "./address.js";
import { type Body, Message } from "./message.js";
import type { Options } from "./options.js";
import { Receiving } from "./receiving.js";
import { Socket } from "./socket.js";
/** A Pub sends each message to all of its peers, which are Subs. */
export declare class Pub extends Socket {
    constructor(addresses?: Address | Address[], options?: Options);
    /** Sends a message to every connection. One without room does not get it: it is dropped and counted as "overflow". */
    send(body: Body): void;
}
/** The options of a Sub. */
export interface SubOptions extends Options {
    /** The topics to begin with. A message is received if it begins with one of them; "" is for all. Defaults to none. */
    topics?: Body[];
}
/** A Sub receives those messages of its peers, which are Pubs, that begin with one of its topics. When its queue is full, it drops the oldest. */
export declare class Sub extends Receiving<Message> {
    private readonly topics;
    private all;
    constructor(addresses?: Address | Address[], options?: SubOptions);
    /** Adds a topic: the first bytes of messages. Messages that are queued already stay. */
    subscribe(topic: Body): void;
    /** Removes a topic, and reports whether it was there. */
    unsubscribe(topic: Body): boolean;
    private wants;
}
