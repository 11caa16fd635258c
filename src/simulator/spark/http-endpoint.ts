import { randomBytes } from "node:crypto";
import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import type { ReceivedCall } from "#src/simulator/server/endpoint.ts";
import {
  type CheckedCall,
  type Endpoint,
  jsonResponse,
  parseBody,
  type SimulatedResponse,
} from "#src/simulator/server/endpoint.ts";
import type { ChatFault } from "#src/simulator/server/faults.ts";
import { CHAT_THROTTLES } from "./chat-socket.ts";
import { composeReply, type Reply } from "./reply.ts";

const MODELS: Readonly<Record<string, number>> = {
  lite: 4096,
  generalv3: 8192,
  "pro-128k": 4096,
  "generalv3.5": 8192,
  "max-32k": 8192,
  "4.0Ultra": 8192,
  x1: 32_768,
  "spark-x": 32_768,
};

interface HttpCall extends CheckedCall {
  readonly model: string;
  readonly stream: boolean;
  readonly maxTokens: number;
}

/** Chat over HTTP: the OpenAI protocol, but with a flat code, without finish reason, and without a blank after `data:`. */
export function createSparkHttpEndpoint(path: string, passwords: readonly string[]): Endpoint<HttpCall> {
  return {
    path,
    check: (call) => checkCall(call, passwords),
    throttle: (limit) => jsonResponse(200, { ...CHAT_THROTTLES[limit], sid: newSid() }),
    fail: (code, message) => jsonResponse(200, { code, message: message ?? "simulated failure", sid: newSid() }),
    succeed: (call, _mode, _vectorDefect, fault) => succeed(call, fault?.defect),
  };
}

function checkCall(
  call: ReceivedCall,
  passwords: readonly string[],
): { accepted: HttpCall } | { refusal: SimulatedResponse } {
  const given = call.headers.authorization?.replace(/^Bearer /, "");
  if (given === undefined || !passwords.includes(given)) return { refusal: invalidUser() };
  const body = parseBody(call.body);
  const texts = readTexts(body?.messages);
  if (!body || !texts) return { refusal: errorResponse(10004, "schema error: messages") };
  const limit = typeof body.model === "string" ? MODELS[body.model] : undefined;
  if (limit === undefined) return { refusal: errorResponse(10404, "model does not exist") };
  const problem = findRangeProblem(body, limit);
  if (problem !== undefined) return { refusal: errorResponse(10005, `parameter value error: ${problem}`) };
  return {
    accepted: {
      texts,
      tokens: texts.reduce((sum, text) => sum + countTokens(text), 0),
      model: String(body.model),
      stream: body.stream === true,
      maxTokens: typeof body.max_tokens === "number" ? body.max_tokens : 4096,
    },
  };
}

function readTexts(messages: unknown): readonly string[] | undefined {
  if (!Array.isArray(messages) || messages.length === 0) return undefined;
  const contents = messages.map((message) => message?.content);
  return contents.every((content) => typeof content === "string") ? contents : undefined;
}

function findRangeProblem(body: Readonly<Record<string, unknown>>, limit: number): string | undefined {
  const outside = (name: string, min: number, max: number) => {
    const value = body[name];
    return value !== undefined && !(typeof value === "number" && value >= min && value <= max);
  };
  if (outside("max_tokens", 1, limit)) return `max_tokens must be in [1,${limit}]`;
  if (outside("temperature", 0, 2)) return "temperature must be in [0,2]";
  if (outside("top_p", Number.MIN_VALUE, 1)) return "top_p must be in (0,1]";
  return outside("top_k", 1, 6) ? "top_k must be in [1,6]" : undefined;
}

function invalidUser(): SimulatedResponse {
  return jsonResponse(401, {
    error: { message: "invalid user", type: "api_error", param: null, code: null },
  });
}

function errorResponse(code: number, message: string): SimulatedResponse {
  return jsonResponse(200, { code, message, sid: newSid() });
}

function succeed(call: HttpCall, defect: ChatFault["defect"] | undefined): SimulatedResponse {
  const reply = composeReply(call.texts.at(-1) ?? "", call.maxTokens);
  const usage = {
    prompt_tokens: call.tokens,
    completion_tokens: reply.completionTokens,
    total_tokens: call.tokens + reply.completionTokens,
  };
  const head = { code: 0, message: "Success", sid: newSid() };
  if (call.stream) return streamReply(reply, { ...head, id: head.sid, created: 1 }, usage, defect);
  const message = { role: "assistant", content: reply.pieces.join("") };
  const choices = defect === "null-choices" ? null : [{ message, index: 0 }];
  return jsonResponse(200, { ...head, choices, usage });
}

function streamReply(
  { pieces }: Reply,
  head: Readonly<Record<string, unknown>>,
  usage: unknown,
  defect: ChatFault["defect"] | undefined,
): SimulatedResponse {
  const frames: Readonly<Record<string, unknown>>[] = pieces.map((content, index) => ({
    ...head,
    choices: [{ delta: { role: "assistant", content }, index: 0 }],
    usage: index === pieces.length - 1 ? usage : undefined,
  }));
  if (defect === "error-inside")
    frames.splice(-1, 1, { code: 10012, message: "EngineInternalError:The system is busy", sid: head.sid });
  const events = frames.map((frame) => `data:${JSON.stringify(frame)}\n\n`);
  if (defect === "broken-frame") events.splice(-1, 1, 'data:{"code":0,"choices":[{"del\n\n');
  if (defect !== "no-done") events.push("data:[DONE]\n\n");
  return {
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8" },
    body: events.map((event) => Buffer.from(event)),
    isStreamed: true,
  };
}

function newSid(): string {
  return `cha000${randomBytes(5).toString("hex")}@dx18simulated`;
}
