import type { State } from "./events.js";
import { type Carrier, type Link, type LinkOwner } from "./link.js";
import type { Settings } from "./options.js";
/** An EndpointOwner is the socket of an endpoint. It is told of a link when that is open, and of its end if it was. */
export interface EndpointOwner extends Omit<LinkOwner, "linkOpened"> {
    readonly settings: Settings;
    /** The protocol of the peer. */
    readonly peer: string;
    linkOpened(link: Link, endpoint: Endpoint): void;
    /** Another link has taken its place. It still receives answers, and ends later. */
    linkRetired(link: Link): void;
    topics(): Uint8Array[];
    endpointChanged(endpoint: Endpoint, state: State, carrier: Carrier, reason: string, delay: number): void;
    /** unsent messages have gone with it. */
    endpointClosed(endpoint: Endpoint, unsent: number): void;
}
/**
 * An Endpoint keeps one connection to an address: it dials again when the connection has ended. There is one attempt at a time, because browsers delay
 * attempts, and a page that does not wait for them makes several connections. It knows when to use which kind of link.
 */
export declare class Endpoint {
    private readonly owner;
    private readonly address;
    /** The URL, without user and parameters. */
    url: string;
    private current;
    private link;
    private trial;
    private readonly retired;
    private rest;
    private target;
    private openedAt;
    private timer;
    private held;
    private ending;
    private readonly backoff;
    private readonly links;
    private readonly place;
    private failures;
    private blockedUntil;
    private nextTrial;
    private readonly retryNow;
    get state(): State;
    /** Ends the connection, and dials no more. Resolves when the peer has confirmed the end, or the browser has given it up. */
    close(): Promise<void>;
    private end;
    private change;
    private dial;
    /** The URL of a WebSocket, if the program's function returns it in time. */
    private where;
    private webSocket;
    private connect;
    /** A WebSocket did not open. */
    private refused;
    private askGateway;
    private opened;
    /** The link is open, and is that of the endpoint from now on. */
    private take;
    /** Plans the next attempt with a WebSocket: beside a link that can be replaced, or when this one has ended. */
    private plan;
    private try;
    private ended;
    private lost;
    private retry;
}
