/** Lines splits a stream of UTF-8 into lines, which end with CR, LF, or both. A byte order mark at the beginning is left out. */
export declare class Lines {
    private readonly limit;
    /** Whether a line was longer than the limit, in UTF-16 units, and is cut. */
    overflow: boolean;
    private readonly decoder;
    private parts;
    private size;
    private afterCR;
    constructor(limit: number);
    /** The lines that end in a chunk: after an overflow, those before it. */
    push(chunk: Uint8Array): string[];
    private add;
}
