import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { FrameDefect } from "#src/simulator/server/faults.ts";
import { composeError, corruptFrames, type SparkFrame } from "./frames.ts";

export interface FrameFault {
  readonly defect: FrameDefect;
  readonly code: number;
}

const PING_EVERY_MS = 20;
const HUGE_CHARACTERS = 5 * 1024 * 1024;
const FRAGMENTS = 100_000;

export interface Delivery {
  readonly fault?: FrameFault | undefined;
  /** Delay between two frames. */
  readonly paceMs: number;
  /** Called just before the last frame of an answer without a fault. */
  readonly onLast?: () => void;
}

/** Sends an answer with the given fault, and closes the connection unless the fault prevents it. */
export function sendFrames(
  client: WebSocket,
  socket: Socket,
  frames: readonly SparkFrame[],
  { fault, paceMs, onLast = () => undefined }: Delivery,
): void {
  const [first] = frames;
  const send = (list: readonly SparkFrame[]) => {
    for (const frame of list) client.send(JSON.stringify(frame));
  };
  switch (fault?.defect) {
    case "silence":
      break;
    case "stall":
      send(frames.slice(0, 1));
      break;
    case "pings-only":
      pingForever(client);
      break;
    case "binary":
      client.send(Buffer.from(JSON.stringify(first)), { binary: true });
      break;
    case "not-json":
      client.send("<html><body>Bad gateway</body></html>");
      break;
    case "huge":
      client.send(`{"header":"${"x".repeat(HUGE_CHARACTERS)}"}`);
      break;
    case "fragments":
      sendFragments(client);
      break;
    case "code-after-text":
      send(frames.slice(0, -1));
      send([composeError(fault.code, "simulated failure", first?.header.sid ?? "")]);
      client.close(1000);
      break;
    case "reset":
      // The first frame must be sent before the connection is reset.
      client.send(JSON.stringify(first), () => setTimeout(() => socket.resetAndDestroy(), PING_EVERY_MS));
      break;
    case "half-close":
      send(corruptFrames(frames, "half-close"));
      socket.end();
      break;
    case "split-utf8":
      for (const frame of frames) sendSplit(client, JSON.stringify(frame));
      client.close(1000);
      break;
    case "no-close":
      send(frames);
      break;
    default:
      sendPaced(client, corruptFrames(frames, fault?.defect), paceMs, fault ? () => undefined : onLast);
  }
}

/** With a pace of 0, frames are sent as fast as possible. */
function sendPaced(client: WebSocket, frames: readonly SparkFrame[], paceMs: number, onLast: () => void): void {
  let next = 0;
  const sendNext = () => {
    if (next === frames.length - 1) onLast();
    const frame = frames[next++];
    if (frame) client.send(JSON.stringify(frame));
    else client.close(1000);
  };
  if (paceMs <= 0) {
    while (next <= frames.length) sendNext();
    return;
  }
  const timer = setInterval(sendNext, paceMs);
  client.once("close", () => clearInterval(timer));
}

function pingForever(client: WebSocket): void {
  const timer = setInterval(() => client.ping(), PING_EVERY_MS);
  client.once("close", () => clearInterval(timer));
}

/** One text message in continuation frames of one byte each, which cut characters. */
function sendSplit(client: WebSocket, text: string): void {
  const bytes = Buffer.from(text);
  for (let index = 0; index < bytes.length; index++)
    client.send(bytes.subarray(index, index + 1), { binary: false, fin: index === bytes.length - 1 });
}

function sendFragments(client: WebSocket): void {
  for (let index = 0; index < FRAGMENTS; index++) client.send("x", { fin: false });
}
