import { REQUEST_ID_HEADERS } from "#src/providers/minimax/classify-error.ts";
import { MINIMAX_NAME } from "#src/providers/minimax/profile.ts";
import type { ChatDialect } from "#src/providers/openai-compatible/chat/chat-dialect.ts";
import type { ChatRequest } from "#src/providers/provider.ts";
import type { MinimaxChatModel, MinimaxDialect } from "./chat-models.ts";
import { checkRanges } from "./check-body.ts";
import { classifyChatBody, classifyChatResponse, findFailure } from "./classify-chat-error.ts";
import { encodeOpenaiRequest, encodeV2Request } from "./encode-openai.ts";
import { encodeProRequest } from "./encode-pro.ts";
import { encodeTextRequest } from "./encode-text.ts";
import { normalizePro, normalizeText } from "./normalize-native.ts";

interface Protocol {
  /** Relative to the base URL, without a leading slash. */
  readonly path: string;
  readonly encode: (model: MinimaxChatModel, request: ChatRequest, stream: boolean) => Record<string, unknown>;
  readonly normalize?: ChatDialect["normalize"];
}

const PROTOCOLS: Readonly<Record<MinimaxDialect, Protocol>> = {
  chatcompletion: {
    path: "text/chatcompletion",
    encode: (model, request, stream) => encodeTextRequest(model.name, request, stream),
    normalize: normalizeText,
  },
  chatcompletion_pro: {
    path: "text/chatcompletion_pro",
    encode: (model, request, stream) => encodeProRequest(model.name, request, stream),
    normalize: normalizePro,
  },
  chatcompletion_v2: { path: "text/chatcompletion_v2", encode: encodeV2Request },
  openai: { path: "chat/completions", encode: encodeOpenaiRequest },
};

const IGNORED_FIELDS: ReadonlySet<string> = new Set([
  "reply",
  "base_resp",
  "input_sensitive",
  "output_sensitive",
  "input_sensitive_type",
  "output_sensitive_type",
  "input_sensitive_int",
  "output_sensitive_int",
  // Of a complete message only; no delta contains them.
  "name",
  "audio_content",
]);

/** A function call of `chatcompletion_pro` is read as a tool call. */
const IGNORED_PRO_FIELDS: ReadonlySet<string> = new Set([...IGNORED_FIELDS, "function_call"]);

/** The path of a dialect relative to the base URL, without a leading slash. */
export function dialectPath(dialect: MinimaxDialect): string {
  return PROTOCOLS[dialect].path;
}

/**
 * One model in one of MiniMax's dialects. All but `openai` end a stream with a frame that repeats the complete answer, possibly
 * without a finish reason; `openai` ends it with `[DONE]`.
 */
export function createMinimaxChatDialect(
  model: MinimaxChatModel,
  dialect: MinimaxDialect = model.dialect,
): ChatDialect {
  const { encode, normalize } = PROTOCOLS[dialect];
  return {
    provider: MINIMAX_NAME,
    encode: (request, stream) => {
      const body = encode(model, request, stream);
      checkRanges(body, model);
      return body;
    },
    normalize,
    findError: findFailure,
    classifyBody: classifyChatBody,
    classifyResponse: classifyChatResponse,
    requestIdHeaders: REQUEST_ID_HEADERS,
    ignoredFields: dialect === "chatcompletion_pro" ? IGNORED_PRO_FIELDS : IGNORED_FIELDS,
    failures: {},
    hasThinkTags: true,
    hasClosingFrame: true,
    terminal: "both",
  };
}
