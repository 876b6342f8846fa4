/**
 * Where to connect: a ws or wss URL, an http or https URL, or a path on the server of the page. A function is called before each attempt, for URLs with a
 * token that expires.
 */
export type Address = string | URL | (() => string | URL | Promise<string | URL>);
/** resolve returns the URL of a WebSocket. */
export declare function resolve(address: string | URL): string;
/** gatewayOf returns the URL of the gateway of a WebSocket: the same, or another one, which may be relative to that. */
export declare function gatewayOf(target: string, fallback: boolean | string): string;
/** redact leaves out what may be secret of a URL: the user and the parameters. */
export declare function redact(url: string): string;
