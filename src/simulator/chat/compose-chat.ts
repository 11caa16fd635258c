import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import type { SimulatedResponse } from "#src/simulator/server/endpoint.ts";
import { jsonResponse } from "#src/simulator/server/endpoint.ts";
import type { ChatFault } from "#src/simulator/server/faults.ts";
import { answerPrompt, splitAnswer } from "./answer-prompt.ts";

/** The fields of a valid chat call. */
export interface ChatCall {
  readonly prompt: string;
  readonly promptTokens: number;
  readonly stream: boolean;
  readonly maxTokens: number | undefined;
  /** Whether a stream ends with a frame that contains only the usage. */
  readonly usageFrame: boolean;
  readonly reasoning: boolean;
  /** The function that the answer must call. */
  readonly tool: string | undefined;
  /** Instead of the one that is computed from the prompt. */
  readonly answer?: string | undefined;
}

/** Differences between the frames of the vendors. */
export interface ChatStyle {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  /** Additional fields of every frame and of the whole answer. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** The frame that contains the usage: the one with the finish reason, or a separate frame without choices. */
  readonly usage: "with-finish" | "own-frame";
  /** Whether frames before the last have `finish_reason: null`; otherwise the key is missing. */
  readonly nullFinish: boolean;
  readonly usageOf: (call: ChatCall, completion: number, reasoning: number) => Readonly<Record<string, unknown>>;
}

interface Composed {
  readonly text: string;
  readonly reasoning: string;
  readonly finish: string;
  readonly usage: Readonly<Record<string, unknown>>;
}

/** The answer to a valid chat call, whole or as a stream of events, with the given fault. */
export function composeChat(call: ChatCall, style: ChatStyle, fault: ChatFault | undefined): SimulatedResponse {
  const composed = compose(call, style);
  const finish = fault?.defect === "finish-reason" ? fault.finishReason : composed.finish;
  return call.stream
    ? streamAnswer(call, style, { ...composed, finish }, fault)
    : wholeAnswer(call, style, { ...composed, finish }, fault);
}

function compose(call: ChatCall, style: ChatStyle): Composed {
  const full = call.tool === undefined ? (call.answer ?? answerPrompt(call.prompt)) : "";
  const reasoning = call.reasoning ? "\nI read the question and look for numbers." : "";
  const pieces = splitAnswer(full);
  const kept: string[] = [];
  let tokens = 0;
  for (const piece of pieces) {
    tokens += countTokens(piece);
    if (tokens > (call.maxTokens ?? Number.POSITIVE_INFINITY)) break;
    kept.push(piece);
  }
  const text = kept.join("");
  const finish = call.tool !== undefined ? "tool_calls" : text === full ? "stop" : "length";
  const thought = reasoning === "" ? 0 : countTokens(reasoning);
  return { text, reasoning, finish, usage: style.usageOf(call, countTokens(text), thought) };
}

function toolCall(call: ChatCall) {
  return {
    id: "call_simulated_0",
    type: "function",
    function: { name: call.tool, arguments: JSON.stringify({ text: call.prompt.slice(0, 40) }) },
  };
}

function wholeAnswer(
  call: ChatCall,
  style: ChatStyle,
  composed: Composed,
  fault: ChatFault | undefined,
): SimulatedResponse {
  const { text, reasoning, finish, usage } = composed;
  const message = {
    role: "assistant",
    content: call.tool === undefined ? text : null,
    reasoning_content: reasoning || undefined,
    tool_calls: call.tool === undefined ? undefined : [toolCall(call)],
  };
  const choices = [{ index: 0, message, finish_reason: finish }];
  return jsonResponse(200, {
    id: style.id,
    object: "chat.completion",
    created: style.created,
    model: style.model,
    ...style.extra,
    choices: fault?.defect === "null-choices" ? null : choices,
    usage,
    error: fault?.defect === "error-inside" ? { code: "500", message: "simulated failure" } : undefined,
  });
}

type Frame = Readonly<Record<string, unknown>>;

function streamAnswer(
  call: ChatCall,
  style: ChatStyle,
  composed: Composed,
  fault: ChatFault | undefined,
): SimulatedResponse {
  const { text, reasoning, finish, usage } = composed;
  const chunk = (choices: unknown, more: Frame = {}): Frame => ({
    id: style.id,
    object: "chat.completion.chunk",
    created: style.created,
    model: style.model,
    ...style.extra,
    choices,
    ...more,
  });
  const delta = (fields: Frame) =>
    chunk([{ index: 0, delta: fields, finish_reason: style.nullFinish ? null : undefined }]);
  const frames: Frame[] = [];
  if (reasoning === "") frames.push(delta({ role: "assistant", content: "" }));
  // The first frame of a reasoning model has no content key.
  else for (const piece of splitAnswer(reasoning)) frames.push(delta({ role: "assistant", reasoning_content: piece }));
  for (const piece of splitAnswer(text)) frames.push(delta({ content: piece }));
  if (call.tool !== undefined) frames.push(...toolDeltas(call).map((piece) => delta({ tool_calls: [piece] })));
  if (fault?.defect === "error-inside") {
    frames.splice(Math.ceil(frames.length * 0.9));
    frames.push({ error: { code: "500", message: "simulated failure" } });
  }
  const last = [{ index: 0, delta: { content: "" }, finish_reason: finish }];
  const whole = fault?.defect !== "error-inside";
  const lastUsage = style.usage === "with-finish" ? { usage } : {};
  if (whole && fault?.defect !== "no-finish") frames.push(chunk(last, lastUsage));
  if (whole && style.usage === "own-frame" && call.usageFrame) frames.push(chunk([], { usage }));
  const events = frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`);
  if (fault?.defect !== "no-done") events.push("data: [DONE]\n\n");
  return {
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
    body: cutInsideCharacters(events),
    isStreamed: true,
  };
}

function toolDeltas(call: ChatCall): Frame[] {
  const { id, type, function: whole } = toolCall(call);
  const half = Math.ceil(whole.arguments.length / 2);
  return [
    { index: 0, id, type, function: { name: whole.name, arguments: "" } },
    { index: 0, function: { arguments: whole.arguments.slice(0, half) } },
    { index: 0, function: { arguments: whole.arguments.slice(half) } },
  ];
}

/** One part per event; a part ends inside the first multi-byte character of its event, if there is one. */
export function cutInsideCharacters(events: readonly string[]): Buffer[] {
  const parts: Buffer[] = [];
  let carried = Buffer.alloc(0);
  for (const event of events) {
    const bytes = Buffer.concat([carried, Buffer.from(event)]);
    const wide = bytes.findIndex((byte, index) => index >= carried.length && byte >= 0xc0);
    const end = wide < 0 ? bytes.length : wide + 1;
    parts.push(bytes.subarray(0, end));
    carried = bytes.subarray(end);
  }
  if (carried.length > 0) parts.push(carried);
  return parts;
}
