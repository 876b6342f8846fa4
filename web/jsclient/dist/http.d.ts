import { type Link, type LinkOwner } from "./link.js";
import type { Settings } from "./options.js";
/** Where a reader of events is, and what it wants. It outlives its links. */
export interface Place {
    /** The id of the last event, or "". */
    id: string;
    topics(): Uint8Array[];
}
/** The kinds of links to a gateway, by the protocol of the peer. Other peers need connections in both directions. */
export declare const gatewayLinks: Record<string, new (url: string, target: string, owner: LinkOwner, settings: Settings, place: Place) => Link>;
