/** What went wrong, for programs. */
export type ErrorCode = "closed" | "full" | "no_peer" | "refused" | "replied" | "config";
/** A SpryError is an error of a socket. A call that its AbortSignal ended rejects with the signal's reason instead. */
export declare class SpryError extends Error {
    readonly name = "SpryError";
    readonly code: ErrorCode;
}
