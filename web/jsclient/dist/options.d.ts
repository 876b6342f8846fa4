/** What a socket needs of a WebSocket. That of browsers and of Node 22 has it, and so has npm's package ws. */
export interface WebSocketLike {
    binaryType: string;
    readonly bufferedAmount: number;
    readonly protocol: string;
    readonly readyState: number;
    onopen: ((event: any) => void) | null;
    onmessage: ((event: any) => void) | null;
    onclose: ((event: any) => void) | null;
    onerror: ((event: any) => void) | null;
    send(data: Uint8Array): void;
    close(code?: number, reason?: string): void;
}
/** A constructor of WebSockets. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;
/** Options are the options of all sockets. Times are in milliseconds. The socket reads them once. */
export interface Options {
    /** Limits the bytes of messages that wait in calls of send, over all connections: a call beyond it rejects with "full". Defaults to 4 MiB. */
    sendQueueBytes?: number;
    /**
     * Limits the bytes that one WebSocket has taken and not sent, or that one gateway has not answered. A call of send waits while there is more. Defaults to
     * 256 KiB. A single message may be larger.
     */
    bufferedBytes?: number;
    /** Limits the bytes of received messages that wait for the program. A message costs its bytes and 64 more. Defaults to 4 MiB. */
    recvQueueBytes?: number;
    /** The largest message that a peer may send, in bytes, with its routing header. A larger one ends its connection. Defaults to 16 MiB. */
    maxMessageSize?: number;
    /** The most hops of a request or survey, 1 to 255. Defaults to 8. */
    ttl?: number;
    /** Limits an attempt to connect. Defaults to 10 s. */
    handshakeTimeout?: number;
    /** The shortest and the longest wait between attempts to connect. Defaults to 100 ms and 10 s. */
    backoff?: {
        min?: number;
        max?: number;
    };
    /** A connection that has bytes to send and sends none for so long is ended, and dialed again. Defaults to 30 s. */
    stallTimeout?: number;
    /**
     * A connection that receives nothing for so long is ended, and dialed again: for feeds in which silence means trouble. A page does not see the pings of
     * WebSocket, but a gateway's signs of life count, which come every 15 s. Defaults to 0, which means never; the events of a gateway then end after 45 s.
     */
    idleTimeout?: number;
    /**
     * Where WebSockets are blocked, a Req, Push, Pub, Sub, Pull or Surveyor goes on by requests of HTTP to a gateway, package gateway of Spry: at this URL,
     * which may be relative to the address, or with true at the address itself, with http in place of ws. A WebSocket counts as blocked after two attempts
     * that did not open, or one that takes 5 s. It is tried again after a minute, and less often from then on. Defaults to false.
     */
    fallback?: boolean | string | URL;
    /** What makes requests to the gateway: for headers, or credentials of another origin. Defaults to the global fetch. */
    fetch?: (url: string, init: RequestInit) => Promise<Response>;
    /** The constructor of WebSockets. Defaults to the global one, which browsers and Node 22 have. */
    WebSocket?: WebSocketConstructor;
}
/** Settings are options with their defaults. */
export type Settings = Required<Omit<Options, "backoff" | "fallback">> & {
    backoff: {
        min: number;
        max: number;
    };
    fallback: boolean | string;
};
/** settingsOf checks options and adds the defaults. */
export declare function settingsOf(o: Options): Settings;
