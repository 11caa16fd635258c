import type { ChatCodec } from "#src/providers/chat-codec.ts";
import { createHttpChatModel } from "#src/providers/http-chat-model.ts";
import { parseObject, readField } from "#src/providers/json-value.ts";
import type {
  ChatRequest,
  ChatResponse,
  DescribeModel,
  ModelData,
  Provider,
  ProviderAccount,
} from "#src/providers/provider.ts";
import type { ProviderEntry } from "#src/providers/provider-entry.ts";
import { TranslationReport } from "#src/providers/translation/translation-report.ts";
import type { HttpResponse, Transport } from "#src/providers/transport/transport.ts";
import { classifyAnthropicResponse, reportsAnthropicError } from "./classify-error.ts";
import { decodeMessage } from "./decode-message.ts";
import { encodeAnthropicRequest, resolveMaxTokens } from "./encode-request.ts";
import { createMessageReducer, type MessageState } from "./message-reducer.ts";
import { ANTHROPIC_BASE_URL, ANTHROPIC_NAME, ANTHROPIC_VERSION } from "./profile.ts";

export const ANTHROPIC_ENTRY: ProviderEntry = {
  name: ANTHROPIC_NAME,
  defaultBaseUrl: ANTHROPIC_BASE_URL,
  catalogue: "anthropic",
  models: [],
  kinds: ["chat"],
  create: createAnthropicProvider,
};

/**
 * The adapter of Anthropic's Messages API for one account. `account.extra.beta` is the value of the header
 * `anthropic-beta`. `close` closes the transport, which accounts may share.
 */
function createAnthropicProvider(account: ProviderAccount, transport: Transport, describe: DescribeModel): Provider {
  const url = new URL(`${account.baseUrl.replace(/\/+$/, "").replace(/\/v1$/, "")}/v1/messages`);
  const headers: Record<string, string> = { "x-api-key": account.apiKey, "anthropic-version": ANTHROPIC_VERSION };
  const beta = account.extra?.beta;
  if (beta) headers["anthropic-beta"] = beta;
  return {
    name: ANTHROPIC_NAME,
    chat: (name) => {
      const model = describe(name, "chat");
      return createHttpChatModel({
        provider: ANTHROPIC_NAME,
        transport,
        url,
        headers: () => headers,
        codec: createAnthropicCodec(model),
        streamsUpstream: (request) => resolveMaxTokens(model, request) > MAX_SILENT_TOKENS,
      });
    },
    close: () => transport.close(),
  };
}

/** Longer answers may take more than 10 minutes, during which networks drop a silent connection; as in Anthropic's own client. */
const MAX_SILENT_TOKENS = 21_333;

type Model = Pick<ModelData, "name" | "maxOutputTokens">;

/** Exported for tests that encode and decode without a transport. */
export function createAnthropicCodec(model: Model): ChatCodec<MessageState> {
  return {
    encode: (request, stream) => {
      const { body, report } = translate(model, request, stream);
      report.assertAccepted();
      return JSON.stringify(body);
    },
    check: (request) => {
      const { rejected, adjusted } = translate(model, request, false).report;
      return { rejected, adjusted };
    },
    decode,
    classify: classifyAnthropicResponse,
    reducer: createMessageReducer,
  };
}

function translate(model: Model, request: ChatRequest, stream: boolean) {
  const report = new TranslationReport(ANTHROPIC_NAME);
  return { body: encodeAnthropicRequest(model, request, stream, report), report };
}

function decode(response: HttpResponse, now: number): ChatResponse {
  const message = response.status === 200 ? parseObject(response.body.toString("utf8")) : undefined;
  if (!message || reportsAnthropicError(message) || readField(message, "type") !== "message")
    throw classifyAnthropicResponse(response, now);
  return decodeMessage(message, response);
}
