import { type ChatCall, composeChat } from "#src/simulator/chat/compose-chat.ts";
import { readMessages } from "#src/simulator/chat/read-messages.ts";
import type { AnswerFinder } from "#src/simulator/chat/scripted-answers.ts";
import {
  asObject,
  type CheckedCall,
  type Endpoint,
  jsonResponse,
  parseBody,
  type ReceivedCall,
  type SimulatedResponse,
} from "#src/simulator/server/endpoint.ts";

/** A valid chat call. */
interface OpenaiChatCall extends CheckedCall {
  readonly model: string;
  readonly chat: ChatCall;
}

/** The OpenAI-compatible chat endpoint, with and without streaming. */
export function createOpenaiChatEndpoint(apiKey: string, findAnswer: AnswerFinder): Endpoint<OpenaiChatCall> {
  let answerCount = 0;
  return {
    path: "/openai/v1/chat/completions",
    check: (call) => checkCall(call, apiKey),
    throttle: (limit) =>
      errorResponse(
        429,
        limit === "tokens" ? "tokens" : "requests",
        `rate limit reached for ${limit}`,
        "rate_limit_exceeded",
      ),
    fail: (code, message) => errorResponse(500, "server_error", message ?? `simulated failure ${code}`, String(code)),
    succeed: ({ chat, model }, _mode, _vectors, fault) =>
      composeChat(
        { ...chat, answer: findAnswer(chat.prompt, model) },
        {
          id: `chatcmpl-simulated${answerCount++}`,
          created: 1_760_000_000,
          model,
          extra: { system_fingerprint: "fp_simulator" },
          usage: "own-frame",
          nullFinish: true,
          usageOf: ({ promptTokens }, completion, reasoning) => ({
            prompt_tokens: promptTokens,
            completion_tokens: completion + reasoning,
            total_tokens: promptTokens + completion + reasoning,
            prompt_tokens_details: { cached_tokens: 0 },
            completion_tokens_details: { reasoning_tokens: reasoning },
          }),
        },
        fault,
      ),
  };
}

function checkCall(call: ReceivedCall, apiKey: string): { accepted: OpenaiChatCall } | { refusal: SimulatedResponse } {
  if (call.headers.authorization !== `Bearer ${apiKey}`)
    return { refusal: errorResponse(401, "invalid_request_error", "incorrect API key", "invalid_api_key") };
  const invalid = (message: string) => ({
    refusal: errorResponse(400, "invalid_request_error", message, null),
  });
  const body = parseBody(call.body);
  if (!body) return invalid("the body is not a JSON object");
  const { model, messages, stream = false } = body;
  if (typeof model !== "string" || model === "") return invalid("model must be a string");
  const read = readMessages(messages);
  if (typeof read === "string") return invalid(read);
  const problem = findFieldProblem(body);
  if (problem !== undefined) return invalid(problem);
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  return {
    accepted: {
      texts: [read.prompt],
      tokens: read.tokens,
      model,
      chat: {
        prompt: read.prompt,
        promptTokens: read.tokens,
        stream: stream === true,
        maxTokens: typeof maxTokens === "number" ? maxTokens : undefined,
        usageFrame: asObject(body.stream_options)?.include_usage === true,
        reasoning: false,
        tool: readTool(body),
      },
    },
  };
}

function findFieldProblem(body: Readonly<Record<string, unknown>>): string | undefined {
  const { stop, stream_options: streamOptions, stream = false } = body;
  if (typeof stream !== "boolean") return "stream must be true or false";
  if (!isNumberIn(body.temperature, 0, 2)) return "temperature must be from 0 to 2";
  if (!isNumberIn(body.top_p, 0, 1)) return "top_p must be from 0 to 1";
  if (!isCount(body.max_tokens) || !isCount(body.max_completion_tokens)) return "max_tokens must be a positive integer";
  if (Array.isArray(stop) && stop.length > 4) return "stop must have at most 4 texts";
  if (streamOptions !== undefined && !stream) return "stream_options is only for streams";
  if (body.n !== undefined && body.n !== 1) return "the simulator supports n = 1 only";
  return body.tools === undefined || Array.isArray(body.tools) ? undefined : "tools must be a list";
}

/** The function that `tool_choice` names, or the first function if any is required. */
function readTool({ tools, tool_choice: choice }: Readonly<Record<string, unknown>>): string | undefined {
  const required = asObject(choice);
  if (choice !== "required" && !required) return undefined;
  const [first] = Array.isArray(tools) ? tools : [];
  const name = asObject((required ?? asObject(first))?.function)?.name;
  return typeof name === "string" ? name : undefined;
}

function isNumberIn(value: unknown, min: number, max: number): boolean {
  return value === undefined || (typeof value === "number" && value >= min && value <= max);
}

function isCount(value: unknown): boolean {
  return value === undefined || (typeof value === "number" && Number.isInteger(value) && value > 0);
}

function errorResponse(status: number, type: string, message: string, code: string | null): SimulatedResponse {
  return jsonResponse(status, { error: { message, type, param: null, code } });
}
