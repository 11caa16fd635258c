import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import { cutInsideCharacters } from "#src/simulator/chat/compose-chat.ts";
import {
  type CheckedCall,
  type Endpoint,
  jsonResponse,
  parseBody,
  type ReceivedCall,
  type SimulatedResponse,
} from "#src/simulator/server/endpoint.ts";
import type { ChatFault } from "#src/simulator/server/faults.ts";
import { composeMessage, readPrompt } from "./compose-message.ts";
import {
  createAnthropicErrorBody,
  createAnthropicErrorResponse,
  createAnthropicThrottleResponse,
  withHeaders,
} from "./error-response.ts";
import { PromptCache } from "./prompt-cache.ts";
import { findRuleProblem } from "./request-rules.ts";
import { type AnthropicRequest, requestSchema } from "./request-schema.ts";
import { type MessageHead, writeMessage, writeMessageEvents } from "./write-message.ts";

interface AnthropicCall extends CheckedCall {
  readonly request: AnthropicRequest;
}

const VERSIONS = ["2023-06-01", "2026-10-21"];
const MAX_PROMPT_TOKENS = 200_000;

/** Anthropic's Messages API, with and without streaming. */
export function createAnthropicEndpoint(apiKey: string): Endpoint<AnthropicCall> {
  const cache = new PromptCache();
  let answerCount = 0;
  return {
    path: "/anthropic/v1/messages",
    check: (call) => checkCall(call, apiKey),
    throttle: createAnthropicThrottleResponse,
    fail: (status, message) => createAnthropicErrorResponse(status, message ?? "simulated failure"),
    succeed: ({ request, tokens }, _mode, _vectors, fault) => {
      const id = `msg_01Simulated${answerCount++}`;
      return succeed(request, { id, model: request.model, inputUsage: cache.charge(request, tokens) }, fault);
    },
  };
}

function checkCall(call: ReceivedCall, apiKey: string): { accepted: AnthropicCall } | { refusal: SimulatedResponse } {
  const refuse = (status: number, message: string) => ({ refusal: createAnthropicErrorResponse(status, message) });
  const { "x-api-key": key, authorization, "anthropic-version": version } = call.headers;
  if ((key === undefined) === (authorization === undefined)) return refuse(401, "exactly one API key is required");
  if (key !== apiKey && authorization !== `Bearer ${apiKey}`) return refuse(401, "invalid x-api-key");
  if (version === undefined) return refuse(400, "anthropic-version: header is required");
  if (!VERSIONS.includes(String(version))) return refuse(400, "anthropic-version: unknown version");
  const body = parseBody(call.body);
  if (!body) return refuse(400, "The request body is not valid JSON");
  const { data: request, error } = requestSchema.safeParse(body);
  if (!request) {
    const [issue] = error.issues;
    return refuse(400, `${issue?.path.join(".") || issue?.code}: ${issue?.message}`);
  }
  if (!request.model.startsWith("claude-")) return refuse(404, `model: ${request.model}`);
  const problem = findRuleProblem(request, String(version));
  if (problem !== undefined) return refuse(400, problem);
  const tokens = countTokens(JSON.stringify([request.system, request.tools, request.messages]));
  if (tokens > MAX_PROMPT_TOKENS)
    return refuse(400, `prompt is too long: ${tokens} tokens > ${MAX_PROMPT_TOKENS} maximum`);
  return { accepted: { texts: [readPrompt(request)], tokens, request } };
}

function succeed(request: AnthropicRequest, head: MessageHead, fault: ChatFault | undefined): SimulatedResponse {
  const composed = composeMessage(request);
  const message = fault?.defect === "finish-reason" ? stopWith(composed, fault.finishReason) : composed;
  if (!request.stream) return withHeaders(jsonResponse(200, corruptMessage(writeMessage(head, message), fault)), {});
  const events = corruptEvents(writeMessageEvents(head, message), fault).map((event) =>
    typeof event === "string" ? event : `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
  );
  const headers = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" };
  return withHeaders({ status: 200, headers, body: cutInsideCharacters(events), isStreamed: true }, {});
}

/** A refusal comes with its reasons. */
function stopWith(composed: ReturnType<typeof composeMessage>, stopReason: string): typeof composed {
  const refusal = { type: "refusal", category: "general_harms", explanation: "The request could cause harm." };
  return { ...composed, stopReason, stopDetails: stopReason === "refusal" ? refusal : null };
}

type Fields = Readonly<Record<string, unknown>>;
const FAILURE = createAnthropicErrorBody(529, "Overloaded");

function corruptMessage(message: Fields, fault: ChatFault | undefined): Fields {
  if (fault?.defect === "null-choices") return { ...message, content: null };
  if (fault?.defect === "no-finish") return { ...message, stop_reason: null };
  return fault?.defect === "error-inside" ? FAILURE : message;
}

/** A text is sent as it is. */
function corruptEvents(events: readonly Fields[], fault: ChatFault | undefined): readonly (Fields | string)[] {
  const half = events.slice(0, Math.ceil(events.length / 2));
  switch (fault?.defect) {
    case "error-inside":
      return [...half, FAILURE];
    case "broken-frame":
      return [...half, 'event: content_block_delta\ndata: {"type":"content_block_delta",\n\n'];
    case "lost-frame":
      return events.filter(({ type }) => type !== "content_block_stop");
    case "no-finish":
      return events.filter(({ type }) => type !== "message_delta");
    case "no-done":
      return events.slice(0, -1);
    case "null-choices":
      return events.filter(({ type }) => !String(type).startsWith("content_block"));
    default:
      return events;
  }
}
