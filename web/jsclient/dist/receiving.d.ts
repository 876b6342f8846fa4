import { type Receiver } from "./inbox.js";
import type { Message } from "./message.js";
import { Socket } from "./socket.js";
/** A Receiving socket queues the messages that it receives. */
export declare abstract class Receiving<T extends Message> extends Socket implements Receiver<T> {
    private readonly overflow;
    private readonly inbox;
    private readonly endpointOf;
    private readonly before;
    private readonly held;
    private missed;
    recv(options?: {
        signal?: AbortSignal;
    }): Promise<T>;
    messages(options?: {
        signal?: AbortSignal;
    }): AsyncIterableIterator<T>;
    [Symbol.asyncIterator](): AsyncIterableIterator<T>;
    /** The number of messages that were received and wait for the program. */
    get queued(): number;
    private take;
    private holdBack;
    private dropOldest;
}
