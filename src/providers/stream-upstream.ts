import { ProviderError } from "#src/core/failures/errors.ts";
import type { Call, ChatModel, ChatRequest, ChatResponse, Provider } from "./provider.ts";

/** Some models only stream, and the vendors refuse other calls with a message like "This model only supports stream mode". */
const STREAM_ONLY =
  /\b(only|must|require[sd]?|enable|need|please)\b[^.]{0,60}\bstream|\bstream(ing|s|ed)?\b[^.]{0,60}\b(only|must|require[sd]?|needed)\b/i;

/** Gateways that drop silent responses do so after 60 to 100 s. */
const MIN_DROP_MS = 50_000;
const DROP_STATUSES = new Set([502, 504, 524]);

/**
 * The provider with chat models whose `generate` streams where that works better, and joins the stream: always for models that
 * say so (`streamsUpstream`) and if `always` is set, otherwise from the first call on that was refused because it did not
 * stream, or that was dropped while it was silent. A refused call is repeated at once: it was rejected before it cost anything.
 */
export function streamWhereNeeded(provider: Provider, always = false): Provider {
  const { chat } = provider;
  if (!chat) return provider;
  return { ...provider, chat: (name) => preferStream(chat(name), always), close: () => provider.close() };
}

function preferStream(model: ChatModel, always: boolean): ChatModel {
  const { streamsUpstream } = model;
  let streams = always || streamsUpstream === true;
  return {
    ...model,
    stream: (request, call) => model.stream(request, call),
    async generate(request, call) {
      if (request.operation !== undefined) return await model.generate(request, call);
      if (streams || (typeof streamsUpstream === "function" && streamsUpstream(request)))
        return await joinStream(model, request, call);
      const startedAt = performance.now();
      try {
        return await model.generate(request, call);
      } catch (error) {
        const isRefused = needsStream(error);
        streams = isRefused || isDropped(error, performance.now() - startedAt);
        if (!isRefused) throw error;
        return await joinStream(model, request, call);
      }
    },
  };
}

async function joinStream(model: ChatModel, request: ChatRequest, call: Call): Promise<ChatResponse> {
  for await (const event of model.stream(request, call)) if (event.type === "end") return event.response;
  throw new ProviderError("the stream ended without an end event", { kind: "bad-response", provider: "" });
}

function needsStream(error: unknown): boolean {
  if (!(error instanceof ProviderError) || error.kind !== "invalid-request") return false;
  return STREAM_ONLY.test(error.providerMessage ?? "");
}

function isDropped(error: unknown, afterMs: number): boolean {
  if (!(error instanceof ProviderError) || afterMs < MIN_DROP_MS) return false;
  return error.kind === "network" || DROP_STATUSES.has(error.status ?? 0);
}
