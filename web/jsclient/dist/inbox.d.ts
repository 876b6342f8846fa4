import { SpryError } from "./errors.js";
import { type Message } from "./message.js";
/** An Inbox is the queue of received messages. Its owner decides what happens beyond its limit. */
export declare class Inbox<T extends Message> {
    private readonly limit;
    private readonly items;
    private readonly waiters;
    private bytes;
    private ended;
    constructor(limit: number);
    get length(): number;
    /** Whether more is queued than may be. */
    get isFull(): boolean;
    /** Whether less than half of the limit is queued. */
    get isLow(): boolean;
    put(item: T): void;
    /** Removes the oldest message. */
    shift(): T | undefined;
    /** Waits for the next message; undefined is the end. */
    take(signal?: AbortSignal): Promise<T | undefined>;
    /** Takes no more messages. Those that are queued can be taken. */
    finish(): void;
    /** Ends the queue, and returns the number of messages that were in it. */
    end(): number;
}
/** A Receiver is what receiving sockets have in common: they are sequences of messages. */
export interface Receiver<T extends Message> extends AsyncIterable<T> {
    /**
     * Waits for the next message. Calls are served in their order. Rejects with "closed" when the socket is closed, and with the signal's reason when that
     * aborts; no message is lost then.
     */
    recv(options?: {
        signal?: AbortSignal;
    }): Promise<T>;
    /** The messages as they come, until the socket is closed. Throws the signal's reason when that aborts. */
    messages(options?: {
        signal?: AbortSignal;
    }): AsyncIterableIterator<T>;
}
/** messagesOf iterates over messages until take has no more. */
export declare function messagesOf<T>(take: () => Promise<T | undefined>): AsyncIterableIterator<T>;
/** closed is the error of calls on a closed socket. */
export declare function closed(): SpryError;
