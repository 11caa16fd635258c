import type { ServerResponse } from "node:http";
import type { SimulatedResponse } from "./endpoint.ts";
import type { FaultAction } from "./faults.ts";

/** Faults of the transmission, not of the content. */
export type DeliveryFault = Extract<
  FaultAction,
  { type: "truncate" | "stall" | "trickle" | "connection-close" | "reset" | "hang-up" }
>;

export function isDeliveryFault(action: FaultAction | undefined): action is DeliveryFault {
  return (
    action !== undefined && !["code", "status", "html", "empty", "vectors", "frames", "chat"].includes(action.type)
  );
}

/** How the parts of a stream are sent. */
export interface DeliveryPace {
  /** Delay between two parts; with 0, parts are sent as fast as possible. */
  readonly everyMs: number;
  /** Whether a part may be sent after this number of parts; asked again after `everyMs`. */
  readonly mayContinue: (sent: number) => boolean;
  /** Called before the last part, after which the client may make its next call. */
  readonly beforeLast: () => void;
}

/** Sends the answer with the given fault. Does nothing if `response` is already closed. */
export function deliver(
  response: ServerResponse,
  answer: SimulatedResponse,
  fault: DeliveryFault | undefined,
  pace: DeliveryPace = { everyMs: 0, mayContinue: () => true, beforeLast: () => undefined },
): void {
  if (response.destroyed) return;
  switch (fault?.type) {
    case undefined:
      if (answer.isStreamed) sendPaced(response, answer, pace);
      else sendWhole(response, answer);
      break;
    case "connection-close":
      sendUntilClose(response, answer, Buffer.concat(answer.body));
      break;
    case "truncate":
      sendTruncated(response, answer, fault);
      break;
    case "stall":
      sendStart(response, answer, fault.bytes);
      break;
    case "trickle":
      sendTrickle(response, answer, fault);
      break;
    case "reset":
      response.socket?.resetAndDestroy();
      break;
    case "hang-up":
      response.socket?.end();
      break;
  }
}

function sendWhole(response: ServerResponse, answer: SimulatedResponse): void {
  response.writeHead(answer.status, { ...answer.headers, "content-length": byteLength(answer) });
  response.cork();
  for (const part of answer.body) response.write(part);
  response.end();
  response.uncork();
}

/** Sends each part as a separate chunk. */
function sendPaced(response: ServerResponse, answer: SimulatedResponse, pace: DeliveryPace): void {
  const { everyMs, mayContinue, beforeLast } = pace;
  response.writeHead(answer.status, answer.headers);
  if (everyMs <= 0) {
    beforeLast();
    for (const part of answer.body) response.write(part);
    response.end();
    return;
  }
  let sent = 0;
  const timer = setInterval(() => {
    if (!mayContinue(sent)) return;
    const part = answer.body[sent++];
    if (sent >= answer.body.length) {
      beforeLast();
      response.end(part);
    } else response.write(part);
  }, everyMs);
  response.once("close", () => clearInterval(timer));
}

function sendTruncated(
  response: ServerResponse,
  answer: SimulatedResponse,
  fault: Extract<DeliveryFault, { type: "truncate" }>,
): void {
  const left = Buffer.concat(answer.body).subarray(0, fault.bytes);
  if (fault.framing === "until-close") sendUntilClose(response, answer, left);
  else if (fault.framing === "cut") sendStart(response, answer, left.length, () => response.destroy());
  else sendWhole(response, { ...answer, body: [left] });
}

/** Sends headers with the full content length, but only the first `bytes` of the body. */
function sendStart(response: ServerResponse, answer: SimulatedResponse, bytes: number, sent?: () => void): void {
  response.writeHead(answer.status, { ...answer.headers, "content-length": byteLength(answer) });
  response.flushHeaders();
  response.write(Buffer.concat(answer.body).subarray(0, bytes), sent);
}

/** Without content length and chunked encoding, the end of the connection is the end of the body. */
function sendUntilClose(response: ServerResponse, answer: SimulatedResponse, body: Buffer): void {
  response.useChunkedEncodingByDefault = false;
  response.writeHead(answer.status, { ...answer.headers, connection: "close" });
  response.end(body);
}

function sendTrickle(
  response: ServerResponse,
  answer: SimulatedResponse,
  fault: Extract<DeliveryFault, { type: "trickle" }>,
): void {
  const body = Buffer.concat(answer.body);
  response.writeHead(answer.status, { ...answer.headers, "content-length": body.length });
  let sent = 0;
  const timer = setInterval(() => {
    if (sent < body.length) response.write(body.subarray(sent, sent + fault.bytes));
    else response.end();
    sent += fault.bytes;
  }, fault.everyMs);
  response.once("close", () => clearInterval(timer));
}

function byteLength(answer: SimulatedResponse): number {
  return answer.body.reduce((sum, part) => sum + part.length, 0);
}
