/** randomId returns the id of the first request of a socket: with the top bit, and not the same as before a reload. */
export declare function randomId(): number;
/** nextId returns the id after id. */
export declare function nextId(id: number): number;
/** withWord returns a frame: a word, then the body. */
export declare function withWord(word: number, body: Uint8Array): Uint8Array;
/** withHeader returns a frame: a header, then the body. */
export declare function withHeader(header: Uint8Array, body: Uint8Array): Uint8Array;
/** wordOf returns the first word of a frame, or undefined if it is too short. */
export declare function wordOf(frame: Uint8Array): number | undefined;
/**
 * backtraceLength returns the length in bytes of the backtrace at the beginning of a frame. The result is "envelope" if it does not end, and "ttl" if it
 * has more words than a message may have hops.
 */
export declare function backtraceLength(frame: Uint8Array, ttl: number): number | "envelope" | "ttl";
