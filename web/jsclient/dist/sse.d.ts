/** A ServerEvent is one of the server-sent events of a stream, or an id that came without one. */
export interface ServerEvent {
    type: string;
    /** undefined if there is only an id. */
    data: string | undefined;
    /** The latest id. */
    id: string;
}
/** An EventParser parses a stream of server-sent events as the HTML standard says. */
export declare class EventParser {
    private readonly limit;
    /** The latest id, with that of the event that has not ended. */
    id: string;
    /** How long to wait before a stream is asked for again, in milliseconds, as the server says. */
    retry: number;
    /** Whether an event had more data than the limit, in UTF-16 units. It is cut. */
    overflow: boolean;
    private readonly lines;
    private known;
    private type;
    private data;
    private size;
    constructor(limit: number);
    /** The events that end in a chunk; after an overflow, those before it. */
    push(chunk: Uint8Array): ServerEvent[];
    private end;
    private field;
}
