import { z } from "zod";

/** What goes wrong with a call that passed all checks and limits. */
const actionSchema = z.discriminatedUnion("type", [
  /** The provider's own error: 1004 is a revoked key, 1008 an empty account, 1026 the content filter. */
  z.strictObject({ type: z.literal("code"), code: z.number().int(), message: z.string().optional() }),
  z.strictObject({
    type: z.literal("status"),
    status: z.number().int().min(200).max(599),
    headers: z.record(z.string(), z.string()).default({}),
    body: z.string().default(""),
  }),
  z.strictObject({ type: z.literal("html"), status: z.number().int().min(200).max(599).default(502) }),
  z.strictObject({ type: z.literal("empty") }),
  /**
   * `complete`: the length header matches what is left, so HTTP looks whole. `cut`: it promises more.
   * `until-close`: no length at all, the end of the connection ends the body.
   */
  z.strictObject({
    type: z.literal("truncate"),
    bytes: z.number().int().nonnegative().default(1000),
    framing: z.enum(["complete", "cut", "until-close"]).default("complete"),
  }),
  /** Sends so many bytes of the body and then nothing, with the connection open. */
  z.strictObject({ type: z.literal("stall"), bytes: z.number().int().nonnegative().default(0) }),
  /** A few bytes every few milliseconds, to the end. */
  z.strictObject({
    type: z.literal("trickle"),
    bytes: z.number().int().positive().default(16),
    everyMs: z.number().positive().default(20),
  }),
  /** The whole answer, then the connection is closed, as `Connection: close` says. */
  z.strictObject({ type: z.literal("connection-close") }),
  /** The connection ends before any answer: by a TCP reset, or politely. */
  z.strictObject({ type: z.literal("reset") }),
  z.strictObject({ type: z.literal("hang-up") }),
  /**
   * Of chat answers. `finish-reason`: another one than the true one. `error-inside`: an error after most of the text,
   * or beside it. `no-finish`, `no-done`: a stream without its ends. `null-choices`: a 200 that holds nothing. Of
   * MiniMax alone: `sensitive` marks the answer, `lost-frame` and `broken-frame` are frames that get lost or cut.
   */
  z.strictObject({
    type: z.literal("chat"),
    defect: z.enum([
      "finish-reason",
      "error-inside",
      "no-finish",
      "no-done",
      "null-choices",
      "sensitive",
      "lost-frame",
      "broken-frame",
    ]),
    finishReason: z.string().default("stop"),
  }),
  z.strictObject({
    type: z.literal("vectors"),
    defect: z.enum(["missing", "extra", "reordered", "short", "ragged", "nan", "null", "zero", "huge"]),
  }),
  /** What goes wrong in a WebSocket exchange; calls over HTTP are left alone by it. */
  z.strictObject({
    type: z.literal("frames"),
    defect: z.enum([
      "reordered",
      "duplicated",
      "gap",
      "two-last",
      "more-after-last",
      "one-frame",
      "empty-frames",
      "split-utf8",
      "no-close",
      "close-early",
      "reset",
      "half-close",
      "silence",
      "stall",
      "pings-only",
      "binary",
      "not-json",
      "huge",
      "fragments",
      "code-after-text",
    ]),
    /** Of `code-after-text`: 10014 is the output's audit. */
    code: z.number().int().default(10_014),
  }),
]);

/** When a fault applies; every condition that is named must hold. */
export const faultSchema = z.strictObject({
  action: actionSchema,
  probability: z.number().min(0).max(1).default(1),
  /** Only calls one of whose texts contains this: a poison text. */
  text: z.string().min(1).optional(),
  /** Only the next so many calls for which the rest holds. */
  calls: z.number().int().positive().optional(),
});

export type Fault = z.output<typeof faultSchema>;
export type FaultAction = Fault["action"];
export type FrameDefect = Extract<FaultAction, { type: "frames" }>["defect"];
export type ChatFault = Extract<FaultAction, { type: "chat" }>;
export type VectorDefect = Extract<FaultAction, { type: "vectors" }>["defect"];

/** Chooses the fault of each call: the first in the list that applies. */
export class FaultPlan {
  readonly #faults: readonly { readonly fault: Fault; used: number }[];
  readonly #random: () => number;

  constructor(faults: readonly Fault[], random: () => number) {
    this.#faults = faults.map((fault) => ({ fault, used: 0 }));
    this.#random = random;
  }

  next(texts: readonly string[]): FaultAction | undefined {
    for (const candidate of this.#faults) {
      const { fault, used } = candidate;
      if (fault.calls !== undefined && used >= fault.calls) continue;
      const { text } = fault;
      if (text !== undefined && !texts.some((each) => each.includes(text))) continue;
      if (fault.probability < 1 && this.#random() >= fault.probability) continue;
      candidate.used += 1;
      return fault.action;
    }
    return undefined;
  }
}
