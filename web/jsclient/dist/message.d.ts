/** What can be sent. A string is sent as UTF-8. The bytes may change again as soon as the call has returned, even before its promise is settled. */
export type Body = string | ArrayBuffer | ArrayBufferView;
/** A Message is what a socket received. */
export declare class Message {
    /** The body. It belongs to the receiver. */
    readonly bytes: Uint8Array;
    /** The body as UTF-8 text. Bytes that are not become the replacement character. */
    text(): string;
    /** The body, parsed as JSON. Throws a SyntaxError if it is not. */
    json<T = unknown>(): T;
}
/** cost is what a message counts in a limit of queued bytes: its own, and what it takes beside them. */
export declare function cost(bytes: Uint8Array): number;
/** bytesOf returns the bytes of a body, without a copy where that is possible. */
export declare function bytesOf(body: Body): Uint8Array;
