import type { Settings, WebSocketLike } from "./options.js";
/** The statuses with which a link ends its WebSocket. Pages may use 1000 and those from 3000 on. */
export declare const Status: {
    readonly normal: 1000;
    readonly malformed: 4002;
    readonly text: 4003;
    readonly full: 4008;
    readonly oversize: 4009;
    readonly gone: 4001;
};
/** A LinkOwner is told what happens on a link. */
export interface LinkOwner {
    linkReceived(link: Link, frame: Uint8Array): void;
    linkEnded(link: Link, reason: string): void;
}
/** A Link is one open connection. */
export declare class Link {
    readonly url: string;
    private readonly ws;
    private readonly owner;
    private readonly settings;
    private readonly sizes;
    private keptBytes;
    private untilSettled;
    private given;
    private left;
    private watch;
    private progress;
    private heard;
    private ended;
    private suspect;
    constructor(url: string, ws: WebSocketLike, owner: LinkOwner, settings: Settings);
    /** Whether a message can be sent now. */
    hasRoom(): boolean;
    /** Whether the WebSocket has sent everything. */
    isFlushed(): boolean;
    /** Gives a message to the WebSocket, which copies it. */
    send(frame: Uint8Array): void;
    /** The number of messages that may not have left this machine. */
    unsent(): number;
    /** Ends the connection. Its owner learns the reason before fail returns. */
    fail(status: number, reason: string): void;
    /** Ends the connection, without a word to the owner. */
    close(status: number, reason?: string): void;
    /** The connection is over: nothing more comes from it. */
    release(): void;
    private receive;
    /** Forgets the sizes of messages that have left. bufferedAmount may count the frames of WebSocket too: then some are kept longer. */
    private settle;
    private startWatch;
    private check;
}
