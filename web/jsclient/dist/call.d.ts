import type { Address } from "./address.js";
import { type Body, Message } from "./message.js";
import type { Options } from "./options.js";
import { Receiving } from "./receiving.js";
/** A Call is a request or a survey, which can be answered once. */
export declare class Call extends Message {
    private answer;
    /**
     * Sends the reply to the peer that asked. Rejects with "no_peer" if its connection has ended; it asks again, or another. Rejects with "replied" if there
     * was a reply before. After another failure it can be called again.
     */
    reply(body: Body, options?: {
        signal?: AbortSignal;
    }): Promise<void>;
}
/** A Replier is a Rep or a Respondent. */
declare abstract class Replier extends Receiving<Call> {
}
/** A Rep receives requests from its peers, which are Reqs, and replies to them, in any order. */
export declare class Rep extends Replier {
    constructor(addresses?: Address | Address[], options?: Options);
}
/** A Respondent receives surveys from its peers, which are Surveyors, and may answer them. When its queue is full, it drops the oldest. */
export declare class Respondent extends Replier {
    constructor(addresses?: Address | Address[], options?: Options);
}
export {};
