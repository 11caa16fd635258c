import type { Call, ChatEvent, ChatModel, ChatRequest, ChatResponse } from "#src/providers/provider.ts";

export interface FakeChat extends ChatModel {
  readonly requests: readonly ChatRequest[];
}

/** A chat model that streams the last message in upper case, word by word. `onDelta` may wait, or throw to break the stream. */
export function createFakeChat(
  options: { onDelta?: (delta: string, attempt: number, call: Call) => unknown } = {},
): FakeChat {
  const requests: ChatRequest[] = [];
  const createResponse = (request: ChatRequest): ChatResponse => ({
    text: String(request.messages.at(-1)?.content ?? "").toUpperCase(),
    finishReason: { unified: "stop", raw: "stop" },
    usage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 },
  });
  return {
    requests,
    async generate(request) {
      requests.push(request);
      return createResponse(request);
    },
    async *stream(request, call): AsyncGenerator<ChatEvent> {
      requests.push(request);
      const attempt = requests.length;
      const response = createResponse(request);
      for (const text of response.text.split(/(?<= )/)) {
        await options.onDelta?.(text, attempt, call);
        call.signal.throwIfAborted();
        yield { type: "text-delta", text };
      }
      yield { type: "end", response };
    },
  };
}
