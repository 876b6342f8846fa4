import type { State } from "./events.js";
import { Link, type LinkOwner } from "./link.js";
import type { Settings } from "./options.js";
/** An EndpointOwner is the socket of an endpoint. */
export interface EndpointOwner extends LinkOwner {
    readonly settings: Settings;
    /** The one subprotocol that is offered. */
    readonly subprotocol: string;
    linkOpened(link: Link, endpoint: Endpoint): void;
    endpointChanged(endpoint: Endpoint, state: State, reason: string, delay: number): void;
    endpointClosed(endpoint: Endpoint): void;
}
/**
 * An Endpoint keeps one connection to an address: it dials again when the connection has ended. There is one attempt at a time, because browsers delay
 * attempts, and a page that does not wait for them makes several connections.
 */
export declare class Endpoint {
    private readonly owner;
    private readonly address;
    /** The URL, without user and parameters. */
    url: string;
    private current;
    private ws;
    private link;
    private openedAt;
    private timer;
    private held;
    private ending;
    private readonly backoff;
    private readonly retryNow;
    get state(): State;
    /** Ends the connection, and dials no more. Resolves when the peer has confirmed the end, or the browser has given it up. */
    close(): Promise<void>;
    private end;
    private change;
    private dial;
    /** What the program's function returns, if it does so in time. */
    private asked;
    private connect;
    private readonly linkEnded;
    private retry;
}
