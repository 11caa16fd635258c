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
import { findAccessProblem, readModel } from "./check-access.ts";
import { type ComposedCandidate, composeCandidate, readGeminiPrompt } from "./compose-candidate.ts";
import { findContentProblem } from "./content-rules.ts";
import { createGeminiErrorBody, createGeminiErrorResponse, createGeminiThrottleResponse } from "./error-response.ts";
import { describeSchemaProblem, type GenerateRequest, generateSchema } from "./request-schema.ts";

interface GenerateCall extends CheckedCall {
  readonly model: string;
  readonly request: GenerateRequest;
  /** `list`: a stream without `alt=sse` is one JSON list. */
  readonly form: "whole" | "events" | "list";
}

/** `generateContent` and `streamGenerateContent`. */
export function createGenerateEndpoint(apiKey: string, method: string): Endpoint<GenerateCall> {
  let answerCount = 0;
  return {
    path: `/gemini/*:${method}`,
    limitKey: ({ model }) => `gemini/${model}`,
    check: (call) => checkCall(call, apiKey, method),
    throttle: createGeminiThrottleResponse,
    fail: (code, message) => createGeminiErrorResponse(code, message ?? "simulated failure"),
    succeed: (call, _mode, _vectors, fault) => succeed(call, `simulated${answerCount++}`, fault),
  };
}

function checkCall(
  call: ReceivedCall,
  apiKey: string,
  method: string,
): { accepted: GenerateCall } | { refusal: SimulatedResponse } {
  const model = readModel(call.path);
  const refusal = findAccessProblem(call, apiKey, model);
  if (refusal) return { refusal };
  const { data: request, error } = generateSchema.safeParse(parseBody(call.body));
  if (!request) return { refusal: createGeminiErrorResponse(400, describeSchemaProblem(error)) };
  const problem = findContentProblem(model, request);
  if (problem !== undefined) return { refusal: createGeminiErrorResponse(400, problem) };
  const tokens = countTokens(JSON.stringify([request.systemInstruction, request.tools, request.contents]));
  const streamed = call.query.get("alt") === "sse" ? "events" : "list";
  const form = method === "generateContent" ? "whole" : streamed;
  return { accepted: { texts: [readGeminiPrompt(request)], tokens, model, request, form } };
}

type Fields = Readonly<Record<string, unknown>>;
const FAILURE = createGeminiErrorBody(503, "The model is overloaded. Please try again later.");

function succeed(call: GenerateCall, id: string, fault: ChatFault | undefined): SimulatedResponse {
  const composed = composeCandidate(call.model, call.request);
  const finishReason = fault?.defect === "finish-reason" ? fault.finishReason : composed.finishReason;
  const candidate =
    fault?.defect === "sensitive" ? { ...composed, finishReason: "SAFETY" } : { ...composed, finishReason };
  if (call.form === "whole") return jsonResponse(200, corruptWhole(writeWhole(call, id, candidate), fault));
  const frames = corruptFrames(writeFrames(call, id, candidate), fault);
  if (call.form === "list") return jsonResponse(200, frames);
  return {
    status: 200,
    headers: { "content-type": "text/event-stream", "cache-control": "no-cache" },
    body: cutInsideCharacters(
      frames.map((frame) => `data: ${typeof frame === "string" ? frame : JSON.stringify(frame)}\r\n\r\n`),
    ),
    isStreamed: true,
  };
}

function writeWhole(call: GenerateCall, id: string, candidate: ComposedCandidate): Fields {
  return writeFrame(call, id, candidate, joinTexts(candidate.parts), candidate.finishReason);
}

/** Each frame has one part, and the usage so far; the last one has the finish reason. */
function writeFrames(call: GenerateCall, id: string, candidate: ComposedCandidate): Fields[] {
  const parts = candidate.parts.length > 0 ? candidate.parts : [{ text: "" }];
  return parts.map((part, index) =>
    writeFrame(call, id, candidate, [part], index === parts.length - 1 ? candidate.finishReason : undefined),
  );
}

function writeFrame(
  { model, tokens }: GenerateCall,
  responseId: string,
  { textTokens, thoughtTokens }: ComposedCandidate,
  parts: readonly Fields[],
  finishReason: string | undefined,
): Fields {
  // Google's serializer leaves out counts that are 0.
  const usageMetadata = {
    promptTokenCount: tokens,
    candidatesTokenCount: textTokens || undefined,
    totalTokenCount: tokens + textTokens + thoughtTokens,
    thoughtsTokenCount: thoughtTokens || undefined,
  };
  const content = { parts: parts.length > 0 ? parts : undefined, role: "model" };
  return { candidates: [{ content, finishReason, index: 0 }], usageMetadata, modelVersion: model, responseId };
}

/** The parts of a complete answer: texts of one kind as one part, with the signature that follows them. */
function joinTexts(parts: readonly Fields[]): Fields[] {
  const joined: Record<string, unknown>[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (last && typeof last.text === "string" && typeof part.text === "string" && last.thought === part.thought)
      Object.assign(last, part, { text: last.text + part.text });
    else joined.push({ ...part });
  }
  return joined;
}

function corruptWhole(whole: Fields, fault: ChatFault | undefined): Fields {
  if (fault?.defect === "null-choices") return { ...whole, candidates: [{ finishReason: "STOP", index: 0 }] };
  if (fault?.defect === "no-finish") return { ...whole, candidates: [{ content: { role: "model" }, index: 0 }] };
  return fault?.defect === "error-inside" ? FAILURE : whole;
}

/** A text is sent as it is. */
function corruptFrames(frames: readonly Fields[], fault: ChatFault | undefined): readonly (Fields | string)[] {
  const half = frames.slice(0, Math.ceil(frames.length / 2));
  switch (fault?.defect) {
    case "error-inside":
      return [...half, FAILURE];
    case "broken-frame":
      return [...half, '{"candidates":['];
    case "no-finish":
    case "no-done":
      return frames.slice(0, -1);
    case "null-choices":
      return [{ usageMetadata: { promptTokenCount: 1, totalTokenCount: 1 } }];
    default:
      return frames;
  }
}
