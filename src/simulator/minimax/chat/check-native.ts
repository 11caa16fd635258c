import { asObject } from "#src/simulator/server/endpoint.ts";
import { type MinimaxChatCall, planAnswer } from "./chat-call.ts";
import {
  type Fields,
  findFieldRangeProblem,
  findModelProblem,
  findNumberProblem,
  isText,
  type Problem,
} from "./field-problem.ts";

const TEXT_MODELS = ["abab5.5-chat", "abab5.5s-chat"];
const PRO_MODELS = ["abab5.5-chat", "abab5.5s-chat", "abab6-chat", "abab6.5-chat", "abab6.5s-chat", "MiniMax-Text-01"];
/** Maximum tokens of an answer by default. */
const DEFAULT_TOKENS = 256;

/** `chatcompletion`: the call, or a description of the problem. */
export function checkText(body: Fields): MinimaxChatCall | string {
  const messages = listOf(body.messages);
  const problem =
    findModelProblem(body, TEXT_MODELS) ??
    findFieldRangeProblem(body) ??
    findNumberProblem(body, "beam_width", 1, 3, "inclusive") ??
    (body.stream === true && Number(body.beam_width ?? 1) > 1 ? "beam_width cannot stream" : undefined) ??
    findPromptProblem(body) ??
    findMessagesProblem(messages, ["USER", "BOT"], () => undefined);
  if (problem !== undefined || !messages) return problem ?? "messages must be a list";
  return planAnswer({
    model: String(body.model),
    texts: [...(isText(body.prompt) ? [body.prompt] : []), ...messages.map(({ text }) => String(text))],
    stream: body.stream === true,
    standardSse: body.use_standard_sse === true,
    maxTokens: Number(body.tokens_to_generate ?? DEFAULT_TOKENS),
  });
}

function findPromptProblem(body: Fields): Problem {
  if (body.prompt === undefined && body.role_meta === undefined) return undefined;
  if (!isText(body.prompt)) return "prompt must not be empty";
  const meta = asObject(body.role_meta);
  return isText(meta?.user_name) && isText(meta?.bot_name) ? undefined : "role_meta needs both names";
}

/** `chatcompletion_pro`: the call, or a description of the problem. */
export function checkPro(body: Fields): MinimaxChatCall | string {
  const messages = listOf(body.messages);
  const bots = listOf(body.bot_setting);
  const constraints = asObject(body.reply_constraints);
  const problem =
    findModelProblem(body, PRO_MODELS) ??
    findFieldRangeProblem(body) ??
    findMessagesProblem(messages, ["USER", "BOT", "FUNCTION"], ({ sender_name }) =>
      isText(sender_name) ? undefined : "every message needs a sender_name",
    ) ??
    findBotsProblem(bots) ??
    findConstraintsProblem(body, constraints, bots ?? []);
  if (problem !== undefined || !messages || !bots) return problem ?? "messages must be a list";
  const functions = listOf(body.functions) ?? [];
  return planAnswer({
    model: String(body.model),
    texts: [...bots.map(({ content }) => String(content)), ...messages.map(({ text }) => String(text ?? ""))],
    stream: body.stream === true,
    botName: String(constraints?.sender_name),
    maxTokens: Number(body.tokens_to_generate ?? DEFAULT_TOKENS),
    tools: asObject(body.function_call)?.type === "none" ? [] : functions.map(({ name }) => String(name)),
  });
}

function findBotsProblem(bots: readonly Fields[] | undefined): Problem {
  if (!bots || bots.length === 0) return "bot_setting is required";
  const complete = bots.every(({ bot_name, content }) => isText(bot_name) && isText(content));
  return complete ? undefined : "every bot of bot_setting needs a bot_name and a content";
}

function findConstraintsProblem(body: Fields, constraints: Fields | undefined, bots: readonly Fields[]): Problem {
  if (!constraints) return "reply_constraints is required";
  if (constraints.sender_type !== "BOT") return "reply_constraints.sender_type must be BOT";
  if (!bots.some(({ bot_name }) => bot_name === constraints.sender_name))
    return "reply_constraints.sender_name must be a bot_name";
  if (constraints.glyph === undefined) return undefined;
  return body.stream === true || body.functions !== undefined
    ? "glyph cannot be combined with stream or functions"
    : undefined;
}

function findMessagesProblem(
  messages: readonly Fields[] | undefined,
  senders: readonly string[],
  more: (message: Fields) => Problem,
): Problem {
  if (!messages || messages.length === 0) return "messages must be a non-empty list";
  for (const message of messages) {
    if (!senders.includes(String(message.sender_type))) return "unknown sender_type";
    if (!isText(message.text) && !asObject(message.function_call)) return "text must not be empty";
    const problem = more(message);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function listOf(value: unknown): readonly Fields[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items = value.map(asObject).filter((item) => item !== undefined);
  return items.length === value.length ? items : undefined;
}
