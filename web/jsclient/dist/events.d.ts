import type { Carrier } from "./link.js";
/** The state of an endpoint. "waiting" is the time between two attempts to connect. */
export type State = "connecting" | "open" | "waiting" | "closed";
/** A StateEvent, of type "state", says that the connection of an endpoint has changed. */
export declare class StateEvent extends Event {
    /** The URL of the endpoint, without user and parameters. */
    readonly url: string;
    readonly state: State;
    /** What carries the connection, or would: "http" where WebSockets are blocked. */
    readonly carrier: Carrier;
    /** Why the connection ended, or was not made; "" with the state "open". */
    readonly reason: string;
    /** How long until the next attempt, in milliseconds, with the state "waiting"; 0 if that waits for room in the receive queue. */
    readonly delay: number;
}
/** A GapEvent, of type "gap", says that messages may be missing before those that come next. */
export declare class GapEvent extends Event {
    /** The URL of the endpoint, without user and parameters. */
    readonly url: string;
    /**
     * "reconnected": the connection was away. "overflow": the program was too slow, and the oldest messages were dropped. "missed": a gateway does not have
     * them any more.
     */
    readonly reason: "reconnected" | "overflow" | "missed";
    /** How many messages are missing; 0 if that cannot be known. */
    readonly missed: number;
}
