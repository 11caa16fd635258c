import type { IncomingHttpHeaders } from "node:http";
import type { VectorMode } from "#src/simulator/answers/vector-store.ts";
import type { LimitName } from "./account.ts";
import type { ChatFault, VectorDefect } from "./faults.ts";

export interface SimulatedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Written one after another. */
  readonly body: readonly Buffer[];
  /** A stream: each part of the body is sent by itself, at the pace of the settings. */
  readonly isStreamed?: boolean;
}

export interface ReceivedCall {
  readonly headers: IncomingHttpHeaders;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

/** A call whose credentials and fields are in order, as far as counting and limits go. */
export interface CheckedCall {
  readonly texts: readonly string[];
  readonly tokens: number;
}

/** An embedding call. */
export interface AcceptedCall extends CheckedCall {
  /** Fields the endpoint needs again for its answer. */
  readonly model: string;
  readonly encoding: "float" | "base64";
  readonly dimensions?: number;
}

/** One wire protocol. What is common to all (limits, faults, latency, delivery) is the server's. */
export interface Endpoint<Call extends CheckedCall = AcceptedCall> {
  readonly path: string;
  /** What shares a limit, where it is less than the whole account. */
  limitKey?(call: Call): string;
  /** Checks everything a provider checks before it counts a call. */
  check(call: ReceivedCall): { readonly accepted: Call } | { readonly refusal: SimulatedResponse };
  throttle(limit: LimitName): SimulatedResponse;
  fail(code: number, message: string | undefined): SimulatedResponse;
  succeed(
    call: Call,
    mode: VectorMode,
    vectorDefect: VectorDefect | undefined,
    chatFault: ChatFault | undefined,
  ): SimulatedResponse;
}

export function jsonResponse(status: number, value: unknown): SimulatedResponse {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8" },
    body: [Buffer.from(JSON.stringify(value))],
  };
}

/** The object in a request body; undefined when it is something else. */
export function parseBody(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The printed vectors with one of them, or their number or order, made wrong. */
export function corruptVectors(vectors: readonly Buffer[], defect: VectorDefect | undefined): readonly Buffer[] {
  const [first, ...others] = vectors;
  if (defect === undefined || first === undefined) return vectors;
  const replaced = (text: string) => [Buffer.from(text), ...others];
  const numbers = first.toString("latin1").slice(1, -1).split(",");
  switch (defect) {
    case "missing":
      return others;
    case "extra":
      return [...vectors, first];
    case "reordered":
      return vectors.toReversed();
    case "short":
      return vectors.map((each) => Buffer.from(`[${each.toString("latin1").slice(1, -1).split(",").slice(1)}]`));
    case "ragged":
      return replaced(`[${numbers.slice(1)}]`);
    case "nan":
      return replaced(`[NaN,${numbers.slice(1)}]`);
    case "null":
      return replaced(`[null,${numbers.slice(1)}]`);
    case "huge":
      return replaced(`[1e39,${numbers.slice(1)}]`);
    case "zero":
      return replaced(`[${numbers.map(() => "0.0")}]`);
  }
}

/** `[a,b,c]` without copying a, b and c. */
export function joinArray(parts: readonly Buffer[]): Buffer[] {
  const joined: Buffer[] = [Buffer.from("[")];
  for (const [index, part] of parts.entries()) {
    if (index > 0) joined.push(COMMA);
    joined.push(part);
  }
  joined.push(Buffer.from("]"));
  return joined;
}

const COMMA = Buffer.from(",");
