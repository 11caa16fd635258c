import { asObject } from "#src/simulator/server/endpoint.ts";
import { type MinimaxChatCall, planAnswer } from "./chat-call.ts";
import { type Fields, findFieldRangeProblem, findModelProblem, isText, type Problem } from "./field-problem.ts";

const V2_MODELS = ["MiniMax-Text-01", "MiniMax-M1", "abab6.5s-chat"];
const OPENAI_MODEL = /^MiniMax-(M[123](\.\d)?(-lightning|-highspeed)?|Text-01)$/;
const ROLES = ["system", "user", "assistant", "tool"];
/** Maximum tokens of an answer by default. */
const DEFAULT_TOKENS = { other: 2048, "MiniMax-M1": 8192 } as const;

/** `chatcompletion_v2`: the call, or a description of the problem. */
export function checkV2(body: Fields): MinimaxChatCall | string {
  const choice = body.tool_choice;
  const format = asObject(body.response_format);
  return check(
    body,
    findModelProblem(body, V2_MODELS) ??
      (choice === undefined || choice === "auto" || choice === "none"
        ? undefined
        : "tool_choice must be auto or none") ??
      (format === undefined || (format.type === "json_schema" && body.model === "MiniMax-Text-01")
        ? undefined
        : "response_format is not supported"),
  );
}

/** The compatible endpoint: the call, or a description of the problem. */
export function checkOpenai(body: Fields): MinimaxChatCall | string {
  return check(body, OPENAI_MODEL.test(String(body.model)) ? undefined : "unknown model");
}

function check(body: Fields, first: Problem): MinimaxChatCall | string {
  const { messages } = body;
  const problem =
    first ??
    findFieldRangeProblem(body) ??
    (body.n === undefined || body.n === 1 ? undefined : "n must be 1") ??
    findMessagesProblem(messages);
  if (problem !== undefined || !Array.isArray(messages)) return problem ?? "messages must be a list";
  const tools = Array.isArray(body.tools) ? body.tools : [];
  const requestedTokens = body.max_completion_tokens ?? body.max_tokens;
  const defaultTokens = body.model === "MiniMax-M1" ? DEFAULT_TOKENS["MiniMax-M1"] : DEFAULT_TOKENS.other;
  return planAnswer({
    model: String(body.model),
    texts: messages.map((message) => readText(asObject(message)?.content)),
    stream: body.stream === true,
    maxTokens: Number(requestedTokens ?? defaultTokens),
    reasoningSplit: body.reasoning_split === true,
    tools: body.tool_choice === "none" ? [] : tools.map((tool) => String(asObject(asObject(tool)?.function)?.name)),
  });
}

function findMessagesProblem(messages: unknown): Problem {
  if (!Array.isArray(messages) || messages.length === 0) return "messages must be a non-empty list";
  for (const message of messages.map(asObject)) {
    if (!message || !ROLES.includes(String(message.role))) return "unknown role";
    const calls = Array.isArray(message.tool_calls) && message.tool_calls.length > 0;
    if (!calls && readText(message.content) === "") return "content must not be empty";
    if (message.role === "tool" && !isText(message.tool_call_id)) return "a tool's message needs a tool_call_id";
  }
  return undefined;
}

function readText(content: unknown): string {
  if (!Array.isArray(content)) return typeof content === "string" ? content : "";
  return content.map((part) => String(asObject(part)?.text ?? "")).join("");
}
