import { z } from "zod";

/** A fault of a call that passed all checks and limits. */
const actionSchema = z.discriminatedUnion("type", [
  /** An error code of the provider, e.g. MiniMax: 1004 invalid key, 1008 no balance, 1026 content filter. */
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
   * `complete`: the content length matches the truncated body. `cut`: the content length is that of the full body.
   * `until-close`: no content length; the end of the connection ends the body.
   */
  z.strictObject({
    type: z.literal("truncate"),
    bytes: z.number().int().nonnegative().default(1000),
    framing: z.enum(["complete", "cut", "until-close"]).default("complete"),
  }),
  /** Sends the first `bytes` of the body and leaves the connection open. */
  z.strictObject({ type: z.literal("stall"), bytes: z.number().int().nonnegative().default(0) }),
  /** Sends the whole body, a few bytes at a time. */
  z.strictObject({
    type: z.literal("trickle"),
    bytes: z.number().int().positive().default(16),
    everyMs: z.number().positive().default(20),
  }),
  /** Sends the whole answer with `Connection: close` and closes the connection. */
  z.strictObject({ type: z.literal("connection-close") }),
  /** Ends the connection before any answer: `reset` by TCP RST, `hang-up` by FIN. */
  z.strictObject({ type: z.literal("reset") }),
  z.strictObject({ type: z.literal("hang-up") }),
  /**
   * Chat answers. `finish-reason`: a wrong finish reason. `error-inside`: an error after most of the text, or beside it.
   * `no-finish`, `no-done`: a stream without its end. `null-choices`: a 200 without content. MiniMax only: `sensitive`
   * marks the answer, `lost-frame` and `broken-frame` lose or cut a frame.
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
    /**
     * The last four are plausible vectors: `swapped` exchanges each vector with the next one, `neighbor` gives inputs the vector
     * of the input beside them, `other-model` gives all inputs other vectors, and `noisy` changes every value by up to 0.1 %.
     */
    defect: z.enum([
      "missing",
      "extra",
      "reordered",
      "short",
      "ragged",
      "nan",
      "null",
      "zero",
      "huge",
      "swapped",
      "neighbor",
      "other-model",
      "noisy",
    ]),
  }),
  /** Faults of a WebSocket exchange; calls over HTTP are not affected. */
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
    /** For `code-after-text`; 10014 is the content filter of the output. */
    code: z.number().int().default(10_014),
  }),
]);

/** A fault and the conditions for it, all of which must hold. */
export const faultSchema = z.strictObject({
  action: actionSchema,
  probability: z.number().min(0).max(1).default(1),
  /** Affects only calls with a text that contains this. */
  text: z.string().min(1).optional(),
  /** Does not affect the first calls that meet the other conditions. */
  after: z.number().int().nonnegative().optional(),
  /** Affects only this number of calls that meet the other conditions. */
  calls: z.number().int().positive().optional(),
});

export type Fault = z.output<typeof faultSchema>;
export type FaultAction = Fault["action"];
export type FrameDefect = Extract<FaultAction, { type: "frames" }>["defect"];
export type ChatFault = Extract<FaultAction, { type: "chat" }>;
export type VectorDefect = Extract<FaultAction, { type: "vectors" }>["defect"];

/** Selects the fault of each call: the first one in the list whose conditions hold. */
export class FaultPlan {
  readonly #faults: readonly { readonly fault: Fault; seen: number; used: number }[];
  readonly #random: () => number;

  constructor(faults: readonly Fault[], random: () => number) {
    this.#faults = faults.map((fault) => ({ fault, seen: 0, used: 0 }));
    this.#random = random;
  }

  next(texts: readonly string[]): FaultAction | undefined {
    for (const candidate of this.#faults) {
      const { fault, used } = candidate;
      if (fault.calls !== undefined && used >= fault.calls) continue;
      const { text } = fault;
      if (text !== undefined && !texts.some((each) => each.includes(text))) continue;
      candidate.seen += 1;
      if (candidate.seen <= (fault.after ?? 0)) continue;
      if (fault.probability < 1 && this.#random() >= fault.probability) continue;
      candidate.used += 1;
      return fault.action;
    }
    return undefined;
  }
}
