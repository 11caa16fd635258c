import { type ChatCall, composeChat } from "#src/simulator/chat/compose-chat.ts";
import { readMessages } from "#src/simulator/chat/read-messages.ts";
import {
  type CheckedCall,
  type Endpoint,
  parseBody,
  type ReceivedCall,
  type SimulatedResponse,
} from "#src/simulator/server/endpoint.ts";
import { findCredentialProblem } from "./credentials.ts";
import { errorResponse, throttle } from "./error-response.ts";

interface ZhipuChatCall extends CheckedCall {
  readonly model: string;
  readonly requestId: string;
  readonly chat: ChatCall;
}

interface SimulatedModel {
  readonly context: number;
  readonly maxOutput: number;
  readonly isReasoning: boolean;
}

const MODELS: readonly (readonly [RegExp, SimulatedModel])[] = [
  [/^glm-4-long$/, { context: 1_048_576, maxOutput: 4095, isReasoning: false }],
  [/^glm-4-(air|flash)-250414$/, { context: 131_072, maxOutput: 16_384, isReasoning: false }],
  [/^glm-4-(plus|air|flash)$/, { context: 131_072, maxOutput: 4096, isReasoning: false }],
  [/^glm-4\.5(-air|-airx|-flash)?$/, { context: 131_072, maxOutput: 98_304, isReasoning: true }],
  [/^glm-(4\.6|4\.7(-flashx?)?|5(-turbo|\.1)?)$/, { context: 204_800, maxOutput: 131_072, isReasoning: true }],
  [/^glm-5\.(2|3(-flashx?)?)$/, { context: 1_048_576, maxOutput: 131_072, isReasoning: true }],
];

/** Request ids are refused if they were used before; this many are remembered. */
const REMEMBERED_IDS = 10_000;

/** Zhipu's chat endpoint, with and without streaming; limits are per model. */
export function createZhipuChatEndpoint(apiKey: string): Endpoint<ZhipuChatCall> {
  const usedIds = new Set<string>();
  let answerCount = 0;
  return {
    path: "/zhipu/api/paas/v4/chat/completions",
    limitKey: ({ model }) => `zhipu/${model}`,
    check: (call) => checkCall(call, apiKey, usedIds),
    throttle,
    fail: errorResponse,
    succeed: ({ chat, model, requestId }, _mode, _vectors, fault) => {
      const id = `20250101080000${(answerCount++).toString(16).padStart(18, "0")}`;
      return composeChat(
        chat,
        {
          id,
          created: 1_735_689_600,
          model,
          extra: { request_id: requestId === "" ? id : requestId },
          usage: "with-finish",
          nullFinish: false,
          usageOf: ({ promptTokens }, completion, reasoning) => ({
            prompt_tokens: promptTokens,
            completion_tokens: completion + reasoning,
            total_tokens: promptTokens + completion + reasoning,
            prompt_tokens_details: { cached_tokens: 0 },
            completion_tokens_details: reasoning > 0 ? { reasoning_tokens: reasoning } : undefined,
          }),
        },
        fault,
      );
    },
  };
}

function checkCall(
  call: ReceivedCall,
  apiKey: string,
  usedIds: Set<string>,
): { accepted: ZhipuChatCall } | { refusal: SimulatedResponse } {
  const code = findCredentialProblem(call.headers.authorization, apiKey, Date.now());
  if (code !== undefined) return { refusal: errorResponse(code) };
  const body = parseBody(call.body);
  if (!body) return { refusal: errorResponse(1210, "请求体不是JSON对象") };
  const name = String(body.model);
  const model = MODELS.find(([pattern]) => pattern.test(name))?.[1];
  if (!model) return { refusal: errorResponse(1211) };
  if (body.messages === undefined) return { refusal: errorResponse(1213, "未正常接收到messages参数") };
  // The chat template silently drops lists of parts for these roles.
  const read = readMessages(body.messages, ["assistant", "tool"]);
  if (typeof read === "string") return { refusal: errorResponse(1214, read) };
  const problem = findFieldProblem(body, model);
  if (problem !== undefined) return { refusal: errorResponse(1210, problem) };
  if (read.tokens > model.context) return { refusal: errorResponse(1261) };
  const requestId = typeof body.request_id === "string" ? body.request_id : "";
  if (requestId !== "" && usedIds.has(requestId)) return { refusal: errorResponse(1231) };
  if (requestId !== "" && usedIds.size < REMEMBERED_IDS) usedIds.add(requestId);
  const thinking = isObject(body.thinking) ? body.thinking.type !== "disabled" : true;
  return {
    accepted: {
      texts: [read.prompt],
      tokens: read.tokens,
      model: name,
      requestId,
      chat: {
        prompt: read.prompt,
        promptTokens: read.tokens,
        stream: body.stream === true,
        maxTokens: typeof body.max_tokens === "number" ? body.max_tokens : undefined,
        usageFrame: false,
        reasoning: model.isReasoning && thinking,
        tool: undefined,
      },
    },
  };
}

function findFieldProblem(body: Readonly<Record<string, unknown>>, { maxOutput }: SimulatedModel): string | undefined {
  const { stop, tool_choice: choice, user_id: user } = body;
  if (!isNumberIn(body.temperature, 0, 1)) return "temperature参数非法：限制数值范围[0,1]";
  if (!isNumberIn(body.top_p, 0.01, 1)) return "top_p参数非法：限制数值范围[0.01,1]";
  if (!isNumberIn(body.max_tokens, 1, maxOutput) || !Number.isInteger(body.max_tokens ?? 1))
    return `max_tokens参数非法：限制数值范围[1,${maxOutput}]`;
  if (stop !== undefined && !(Array.isArray(stop) && stop.length <= 4)) return "stop参数非法";
  if (choice !== undefined && choice !== "auto") return "tool_choice参数非法";
  if (user !== undefined && !(typeof user === "string" && user.length >= 6 && user.length <= 128))
    return "user_id参数非法";
  if (body.stream !== undefined && typeof body.stream !== "boolean") return "stream参数非法";
  return undefined;
}

function isNumberIn(value: unknown, min: number, max: number): boolean {
  return value === undefined || (typeof value === "number" && value >= min && value <= max);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
