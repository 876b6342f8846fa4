// SPDX-License-Identifier: MIT

/**
 * Sockets with patterns over WebSocket, for browsers and Node: the Scalability Protocols of Spry, NNG, nanomsg and mangos.
 *
 * @packageDocumentation
 */

export type { Address } from "./address.js"
export { Bus } from "./bus.js"
export { Call, Rep, Respondent } from "./call.js"
export type { Endpoint } from "./endpoint.js"
export { type ErrorCode, SpryError } from "./errors.js"
export { GapEvent, type State, StateEvent } from "./events.js"
export type { Receiver } from "./inbox.js"
export type { Carrier } from "./link.js"
export { type Body, Message } from "./message.js"
export type { Options, WebSocketConstructor, WebSocketLike } from "./options.js"
export { Pair, type PairOptions } from "./pair.js"
export { Pull, Push } from "./pipeline.js"
export { Pub, Sub, type SubOptions } from "./pubsub.js"
export { Req, type ReqOptions } from "./req.js"
export type { Reason, Socket, SocketEvents, Stats } from "./socket.js"
export { Survey, Surveyor } from "./survey.js"
