import { type Link, type LinkOwner } from "./link.js";
import type { Settings } from "./options.js";
/** A WebSocketLink is a connection over a WebSocket. */
export declare class WebSocketLink implements Link {
    readonly url: string;
    private readonly owner;
    private readonly settings;
    readonly carrier = "websocket";
    readonly resumed = false;
    readonly wait = 0;
    isOpen: boolean;
    private readonly ws;
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
    /** subprotocol is the one that is offered. */
    constructor(url: string, target: string, subprotocol: string, owner: LinkOwner, settings: Settings);
    hasRoom(): boolean;
    isFlushed(): boolean;
    send(frame: Uint8Array): void;
    unsent(): number;
    rest(): Uint8Array[];
    fail(status: number, reason: string): void;
    close(status: number): Promise<void>;
    private end;
    /** Nothing more comes from the WebSocket. */
    private release;
    private receive;
    /** Forgets the sizes of messages that have left. bufferedAmount may count the frames of WebSocket too: then some are kept longer. */
    private settle;
    private startWatch;
    private check;
}
