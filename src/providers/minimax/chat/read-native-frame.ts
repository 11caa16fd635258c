import { type AnswerFrame, asObject, asText, firstChoice, readCommonFields, readFinish } from "./answer-frame.ts";

const NOTHING = { text: "", reasoning: "", toolCalls: [] } as const;

/**
 * `chatcompletion`: a chunk's `delta` is a plain string, and the last one has the whole text in `reply`. A whole
 * answer has it in `reply` and in its choices.
 */
export function readTextFrame(json: Readonly<Record<string, unknown>>): AnswerFrame {
  const choice = firstChoice(json);
  const common = { ...readCommonFields(json), ...readFinish(choice) };
  const reply = asText(json.reply);
  const whole = reply || asText(choice?.text);
  const delta = asText(choice?.delta);
  const isClosing = whole !== "" || common.usage !== undefined || (common.finish !== undefined && delta === "");
  if (!isClosing || choice === undefined) return { ...NOTHING, ...common, text: delta, isClosing: false };
  return {
    ...NOTHING,
    ...common,
    text: delta,
    ...(whole && { whole: { ...NOTHING, text: whole } }),
    isClosing,
  };
}

/**
 * `chatcompletion_pro`: a chunk's messages are increments while `reply` is empty. The last chunk has usage, and the
 * whole text again in `reply` and in its messages, as a whole answer has it.
 */
export function readProFrame(json: Readonly<Record<string, unknown>>): AnswerFrame {
  const choice = firstChoice(json);
  const common = { ...readCommonFields(json), ...readFinish(choice) };
  const messages = (Array.isArray(choice?.messages) ? choice.messages : []).map(asObject);
  // Messages of other senders are what plugins and functions said on the way.
  const text = messages
    .filter((message) => message?.sender_type === "BOT" || message?.sender_type === undefined)
    .map((message) => asText(message?.text))
    .join("");
  const reply = asText(json.reply);
  const isClosing = reply !== "" || common.usage !== undefined;
  const toolCalls = readFunctionCall(
    json.function_call ?? messages.map((message) => message?.function_call).find((call) => asObject(call)),
  );
  if (choice === undefined && toolCalls.length === 0) return { ...NOTHING, ...common, isClosing: false };
  if (!isClosing) return { ...NOTHING, ...common, text, toolCalls, isClosing };
  // `reply` holds the last of several messages only.
  const whole = text.length > reply.length ? text : reply;
  return { ...NOTHING, ...common, whole: { ...NOTHING, text: whole, toolCalls }, isClosing };
}

/** Functions have no ids here; one answer calls one function. */
function readFunctionCall(value: unknown): AnswerFrame["toolCalls"] {
  const call = asObject(value);
  const name = asText(call?.name);
  if (call === undefined || name === "") return [];
  const { arguments: given } = call;
  const text = typeof given === "string" ? given : given === undefined ? "{}" : JSON.stringify(given);
  return [{ index: 0, id: `call_${name}`, name, arguments: text }];
}
