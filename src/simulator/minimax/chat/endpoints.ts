import type { MinimaxOptions } from "#src/simulator/minimax/minimax.ts";
import { MINIMAX_THROTTLES } from "#src/simulator/minimax/minimax.ts";
import {
  type Endpoint,
  jsonResponse,
  parseBody,
  type ReceivedCall,
  type SimulatedResponse,
} from "#src/simulator/server/endpoint.ts";
import type { ChatFault } from "#src/simulator/server/faults.ts";
import type { MinimaxChatCall } from "./chat-call.ts";
import { checkPro, checkText } from "./check-native.ts";
import { checkOpenai, checkV2 } from "./check-openai.ts";
import type { Fields } from "./field-problem.ts";
import { type ChatProtocol, writeFrames, writeWhole } from "./write-answer.ts";

type ErrorResponder = (code: number, message: string) => SimulatedResponse;

interface Protocol {
  readonly name: ChatProtocol;
  readonly path: string;
  readonly check: (body: Fields) => MinimaxChatCall | string;
  readonly errorResponse: ErrorResponder;
  /** Whether the query must contain the group id. */
  readonly hasGroupId: boolean;
}

const ROOT = "/minimax/v1";

const PROTOCOLS: readonly Protocol[] = [
  native("chatcompletion", checkText),
  native("chatcompletion_pro", checkPro),
  native("chatcompletion_v2", checkV2),
  {
    name: "openai",
    path: `${ROOT}/chat/completions`,
    check: checkOpenai,
    errorResponse: openaiErrorResponse,
    hasGroupId: false,
  },
];

/** MiniMax's four chat protocols. */
export function createMinimaxChatEndpoints(options: MinimaxOptions): Endpoint<MinimaxChatCall>[] {
  return PROTOCOLS.map((protocol) => createEndpoint(protocol, options));
}

function native(name: ChatProtocol, check: Protocol["check"]): Protocol {
  return { name, path: `${ROOT}/text/${name}`, check, errorResponse: nativeErrorResponse, hasGroupId: true };
}

function createEndpoint(protocol: Protocol, options: MinimaxOptions): Endpoint<MinimaxChatCall> {
  const { path, errorResponse } = protocol;
  return {
    path,
    check: (call) => checkCall(call, protocol, options),
    throttle: (limit) => errorResponse(MINIMAX_THROTTLES[limit].code, MINIMAX_THROTTLES[limit].message),
    fail: (code, message) => errorResponse(code, message ?? "simulated failure"),
    succeed: (call, _mode, _vectorDefect, fault) => succeed(protocol, call, fault),
  };
}

function checkCall(
  call: ReceivedCall,
  { check, errorResponse, hasGroupId }: Protocol,
  { apiKey, groupId }: MinimaxOptions,
): { accepted: MinimaxChatCall } | { refusal: SimulatedResponse } {
  if (call.headers.authorization !== `Bearer ${apiKey}`)
    return {
      refusal: errorResponse(1004, "login fail: Please carry the API secret key in the Authorization field"),
    };
  if (hasGroupId && groupId !== undefined && call.query.get("GroupId") !== groupId)
    return { refusal: errorResponse(1004, "token not match group") };
  if (!call.headers["content-type"]?.startsWith("application/json"))
    return { refusal: errorResponse(2013, "invalid params, content-type must be application/json") };
  const body = parseBody(call.body);
  const checked = body ? check(body) : "the body is not a JSON object";
  return typeof checked === "string"
    ? { refusal: errorResponse(2013, `invalid params, ${checked}`) }
    : { accepted: checked };
}

/** HTTP 200 with a JSON body that contains only the code, also for a stream. */
function nativeErrorResponse(code: number, message: string): SimulatedResponse {
  return jsonResponse(200, { base_resp: { status_code: code, status_msg: message } });
}

const STATUSES: Readonly<Record<number, readonly [status: number, type: string]>> = {
  1002: [429, "rate_limit_error"],
  1004: [401, "authorized_error"],
  1008: [402, "insufficient_balance_error"],
  1026: [400, "bad_request_error"],
  1027: [400, "bad_request_error"],
  1039: [429, "rate_limit_error"],
  1041: [429, "rate_limit_error"],
  2013: [400, "bad_request_error"],
  2049: [401, "authorized_error"],
  2056: [429, "rate_limit_error"],
};

/** A real HTTP status, with the code in the message only. */
function openaiErrorResponse(code: number, message: string): SimulatedResponse {
  const [status, type] = STATUSES[code] ?? [500, "server_error"];
  const error = { type, message: `${message} (${code})`, http_code: String(status) };
  return jsonResponse(status, { type: "error", error, request_id: "04f1c2d3" });
}

function succeed({ name }: Protocol, request: MinimaxChatCall, fault: ChatFault | undefined): SimulatedResponse {
  const call = fault?.defect === "finish-reason" ? { ...request, finish: fault.finishReason } : request;
  const defect = fault?.defect;
  if (!call.stream) return jsonResponse(200, corruptBody(writeWhole(name, call), defect));
  // The oldest protocol ends its events with one line feed, unless the standard is requested.
  const end = name === "chatcompletion" && !call.standardSse ? "\n" : "\n\n";
  return {
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8" },
    body: corruptFrames(writeFrames(name, call), defect).map((frame) =>
      Buffer.from(`data: ${typeof frame === "string" ? frame : JSON.stringify(frame)}${end}`),
    ),
    isStreamed: true,
  };
}

type Defect = ChatFault["defect"] | undefined;

const FAILURE = { base_resp: { status_code: 1000, status_msg: "simulated failure" } };
const SENSITIVE = { output_sensitive: true, output_sensitive_type: 1 };

function corruptBody(whole: Fields, defect: Defect): Fields {
  switch (defect) {
    case "null-choices":
      return { ...whole, reply: "", choices: null };
    case "error-inside":
      return { ...whole, ...FAILURE };
    case "sensitive":
      return { ...whole, ...SENSITIVE };
    default:
      return whole;
  }
}

/** The older protocols end with a closing frame; the compatible one with a finish reason, usage and `[DONE]`. */
function corruptFrames(frames: readonly unknown[], defect: Defect): readonly unknown[] {
  const compatible = frames.at(-1) === "[DONE]";
  const half = frames.slice(0, Math.ceil(frames.length / 2));
  switch (defect) {
    case "no-finish":
      return compatible ? [...frames.slice(0, -3), ...frames.slice(-2)] : frames.slice(0, -1);
    case "no-done":
      return frames.slice(0, -1);
    case "error-inside":
      return [...half, FAILURE];
    case "broken-frame":
      return [...half, '{"choices":[{"delta":'];
    case "lost-frame":
      return [...frames.slice(0, 2), ...frames.slice(3)];
    case "sensitive":
      return [...half, { ...Object(half.at(-1)), ...SENSITIVE }];
    case "null-choices":
      return frames.map((frame) =>
        typeof frame === "string" ? frame : { ...Object(frame), reply: "", choices: null },
      );
    default:
      return frames;
  }
}
