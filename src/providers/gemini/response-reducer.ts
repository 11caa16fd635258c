import { ProviderError } from "#src/core/failures/errors.ts";
import type { ChatReducer } from "#src/providers/chat-codec.ts";
import { type JsonObject, parseOnlyObject, readObject, readText } from "#src/providers/json-value.ts";
import type { ChatEvent } from "#src/providers/provider.ts";
import type { SseEvent } from "#src/providers/transport/sse.ts";
import type { ResponseHead } from "#src/providers/transport/transport.ts";
import { classifyGeminiBody, reportsGeminiError } from "./classify-error.ts";
import { decodeGeminiResponse, readCalls, readFirstCandidate, readParts } from "./decode-response.ts";
import { joinLogprobs } from "./logprobs.ts";
import { GEMINI_NAME } from "./profile.ts";

/** The response as far as it has been received, in the form of a complete one. */
export interface ResponseState {
  /** The fields of the frames, without their candidates; the later value of a field replaces the earlier one. */
  readonly body: JsonObject;
  /** The fields of the candidate, without its content. */
  readonly candidate: JsonObject;
  readonly parts: readonly JsonObject[];
}

export const EMPTY_RESPONSE: ResponseState = { body: {}, candidate: {}, parts: [] };

/** The reducer of the frames of `streamGenerateContent`, each of which is a response with the next parts of the answer. */
export function createResponseReducer(head: ResponseHead, now: number): ChatReducer<ResponseState, SseEvent> {
  return {
    initial: EMPTY_RESPONSE,
    reduce(state, { data }) {
      const frame = parseOnlyObject(data);
      if (!frame)
        throw new ProviderError("a frame of the stream is not a JSON object", {
          kind: "bad-response",
          provider: GEMINI_NAME,
          status: head.status,
        });
      if (reportsGeminiError(frame)) throw classifyGeminiBody(frame, head, now);
      return { state: addFrame(state, frame), events: readEvents(state, frame) };
    },
    finish: (state) => decodeGeminiResponse(joinResponse(state), head, now),
  };
}

export function addFrame({ body, candidate, parts }: ResponseState, frame: JsonObject): ResponseState {
  const { candidates: _, ...fields } = frame;
  const { content: __, ...candidateFields } = readFirstCandidate(frame) ?? {};
  return {
    body: mergePresent(body, fields),
    candidate: {
      ...mergePresent(candidate, candidateFields),
      logprobsResult: joinLogprobs(candidate.logprobsResult, candidateFields.logprobsResult),
    },
    parts: readParts(readFirstCandidate(frame)).reduce(addPart, parts),
  };
}

/** Fields that a later frame leaves out or sets to null keep their value. */
function mergePresent(known: JsonObject, added: JsonObject): JsonObject {
  const present = Object.entries(added).filter(([, value]) => value !== null && value !== undefined);
  return { ...known, ...Object.fromEntries(present) };
}

/** The complete response, without candidates if there were none. */
export function joinResponse({ body, candidate, parts }: ResponseState): JsonObject {
  const hasCandidate = parts.length > 0 || Object.values(candidate).some((value) => value !== undefined);
  return hasCandidate ? { ...body, candidates: [{ ...candidate, content: { parts } }] } : body;
}

/** Pieces of a text become one part; a signature that comes with an empty text belongs to the text before it. */
function addPart(parts: readonly JsonObject[], part: JsonObject): readonly JsonObject[] {
  const last = parts.at(-1);
  if (!last || !isPlainText(last) || !isPlainText(part) || last.thought !== part.thought) return [...parts, part];
  return [...parts.slice(0, -1), { ...last, ...part, text: `${last.text}${part.text}` }];
}

function isPlainText({ text, thought: _, thoughtSignature: __, ...others }: JsonObject): boolean {
  return typeof text === "string" && Object.keys(others).length === 0;
}

function readEvents(state: ResponseState, frame: JsonObject): ChatEvent[] {
  const parts = readParts(readFirstCandidate(frame));
  const id = readText(frame, "responseId") ?? readText(state.body, "responseId");
  const known = countCalls(state.parts);
  const calls = readCalls([...state.parts, ...parts], id).slice(known);
  const events: ChatEvent[] = [];
  for (const part of parts) {
    const text = readText(part, "text");
    if (text !== undefined) events.push({ type: part.thought === true ? "reasoning-delta" : "text-delta", text });
  }
  for (const [index, call] of calls.entries()) events.push({ type: "tool-call-delta", index: known + index, ...call });
  return events;
}

function countCalls(parts: readonly JsonObject[]): number {
  return parts.filter((part) => readObject(part, "functionCall") !== undefined).length;
}
