import type { Address } from "./address.js";
import { type Body, Message } from "./message.js";
import type { Options } from "./options.js";
import { Socket } from "./socket.js";
/** A Survey is the answers to one survey, as they come, until its time is over. Leaving a loop over it ends it. */
export declare class Survey implements AsyncIterable<Message> {
    private readonly inbox;
    private readonly end;
    private readonly signal;
    /** Waits until the time is over, and returns all answers that were not taken before. */
    all(): Promise<Message[]>;
    [Symbol.asyncIterator](): AsyncIterableIterator<Message>;
}
/** A Surveyor asks all of its peers, which are Respondents, at once. Several surveys can be under way. */
export declare class Surveyor extends Socket {
    private readonly surveys;
    private lastId;
    constructor(addresses?: Address | Address[], options?: Options);
    /**
     * Sends a survey to every connection; one without room does not get it, which is counted as "overflow". Answers are received for timeout milliseconds, 1000
     * by default. Later ones are dropped and counted as "stale". If the signal aborts, taking an answer rejects; if it has, survey throws.
     */
    survey(body: Body, options?: {
        timeout?: number;
        signal?: AbortSignal;
    }): Survey;
}
