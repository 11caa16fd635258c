import type { IncomingHttpHeaders } from "node:http";
import type { VectorMode } from "#src/simulator/answers/vector-store.ts";
import type { LimitName } from "./account.ts";
import type { ChatFault, VectorDefect } from "./faults.ts";

export interface SimulatedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Written in order. */
  readonly body: readonly Buffer[];
  /** Whether each part of the body is sent separately, with the delay in the settings. */
  readonly isStreamed?: boolean;
}

export interface ReceivedCall {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

/** The fields of a valid call that counters and limits need. */
export interface CheckedCall {
  readonly texts: readonly string[];
  readonly tokens: number;
}

/** A valid embedding call. */
export interface AcceptedCall extends CheckedCall {
  readonly model: string;
  readonly encoding: "float" | "base64";
  readonly dimensions?: number;
}

/** One wire protocol. `SimulatedProvider` handles limits, faults, latency and delivery for all of them. */
export interface Endpoint<Call extends CheckedCall = AcceptedCall> {
  /** May contain one `*`, which stands for any text. */
  readonly path: string;
  /** Calls with the same key share limits; by default all calls of the account do. */
  limitKey?(call: Call): string;
  /** Checks everything that a provider checks before it counts a call. */
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

/** The JSON object in a request body; undefined for anything else. */
export function parseBody(body: Buffer): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(body.toString("utf8")));
  } catch {
    return undefined;
  }
}

/** The value if it is a JSON object, but not an array. */
export function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** The texts whose vectors another model would return. */
export function textsOfModel(texts: readonly string[], defect: VectorDefect | undefined): readonly string[] {
  return defect === "other-model" ? texts.map((text) => `another model: ${text}`) : texts;
}

/** The printed vectors, with an invalid vector, number or order, or with plausible vectors that are wrong. */
export function corruptVectors(vectors: readonly Buffer[], defect: VectorDefect | undefined): readonly Buffer[] {
  const [first, ...others] = vectors;
  if (defect === undefined || first === undefined) return vectors;
  const replaced = (text: string) => [Buffer.from(text), ...others];
  const numbersOf = (each: Buffer) => each.toString("latin1").slice(1, -1).split(",").map(Number);
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
    case "swapped":
      return vectors.map((each, at) => vectors[at % 2 === 0 ? at + 1 : at - 1] ?? each);
    case "neighbor":
      return vectors.map((each, at) => vectors[at + 1] ?? vectors[at - 1] ?? each);
    case "noisy":
      return vectors.map((each) => Buffer.from(JSON.stringify(numbersOf(each).map(addNoise))));
    case "other-model":
      return vectors;
    case "zero":
      return replaced(`[${numbers.map(() => "0.0")}]`);
  }
}

/** Changes a value by up to 0.1 %. */
function addNoise(value: number): number {
  return value * (1 + 0.002 * (Math.random() - 0.5));
}

/** `[a,b,c]`, without copying the parts. */
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
