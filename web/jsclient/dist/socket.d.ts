import { type Address } from "./address.js";
import { Endpoint } from "./endpoint.js";
import { GapEvent, StateEvent } from "./events.js";
/** Why messages were dropped. The words are those of Spry's statistics. */
export type Reason = "overflow" | "closed" | "ttl" | "no_peer" | "stale" | "foreign" | "unwanted" | "envelope" | "multipart" | "too_large";
/** A snapshot of the counters of a socket. */
export interface Stats {
    /** Messages that were given to a connection; once for each, where a message goes to all peers. */
    sent: number;
    /** Messages that arrived, with those that were dropped later. */
    received: number;
    /** Messages that may be lost: a WebSocket had not sent them when its connection ended, or their POST got no answer. */
    unconfirmed: number;
    /** Messages that a Sub had no topic for. */
    filtered: number;
    /** Messages that were dropped, by reason. */
    dropped: Partial<Record<Reason, number>>;
    /** Connections that were opened. */
    connections: number;
    /** Connections that are open. */
    open: number;
    /** Messages that wait in calls of send. */
    sending: number;
}
/** The events of a socket, by their types. */
export interface SocketEvents {
    state: StateEvent;
    gap: GapEvent;
}
/**
 * A Socket is what all sockets have in common. It dials any number of addresses, and dials again when a connection has ended. What a message means, and to
 * which peers it goes, is its pattern's.
 */
export declare abstract class Socket extends EventTarget {
    private readonly owner;
    private readonly endpoints;
    private readonly sends;
    private readonly replies;
    private readonly readies;
    private sendBytes;
    private poll;
    private nextPoll;
    private ending;
    /** Adds an address. The connection is made, and made again, in the background. An invalid URL throws. */
    dial(address: Address): Endpoint;
    /** Resolves when there is a connection. */
    ready(options?: {
        signal?: AbortSignal;
    }): Promise<void>;
    /** Whether close was called. */
    get isClosed(): boolean;
    /** The counters, now. */
    stats(): Stats;
    /**
     * Ends the socket. Messages that wait are sent for at most linger milliseconds, 1000 by default; then what is left is dropped and counted. Later calls
     * return the same promise. Calls that wait for a message or a reply end at once.
     */
    close(options?: {
        linger?: number;
    }): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
    addEventListener<K extends keyof SocketEvents>(type: K, listener: (event: SocketEvents[K]) => void, options?: boolean | AddEventListenerOptions): void;
    addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
    removeEventListener<K extends keyof SocketEvents>(type: K, listener: (event: SocketEvents[K]) => void, options?: boolean | EventListenerOptions): void;
    removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
    private wait;
    private dispatch;
    private waitingSends;
    private noPeer;
    private forget;
    private opened;
    private lost;
    /** Nothing more is sent on this connection. */
    private leave;
    private changed;
    private end;
}
