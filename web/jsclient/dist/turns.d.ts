import type { Link } from "./link.js";
/** Turns takes connections with room in turn. */
export declare class Turns {
    private readonly links;
    private at;
    constructor(links: readonly Link[]);
    /** The next connection that has room, or undefined. */
    next(): Link | undefined;
}
