import type { FailureView } from "#src/dashboard/items/item-api.ts";
import type { LiveChatEvent } from "#src/dashboard/live/chat-api.ts";

/** An answer on its way. */
export interface StreamedAnswer {
  readonly reasoning: string;
  readonly text: string;
  readonly tools: string;
  readonly attempt: number | undefined;
  readonly isFinished: boolean;
  readonly finishReason?: string;
  readonly failure?: FailureView;
}

export const EMPTY_ANSWER: StreamedAnswer = {
  reasoning: "",
  text: "",
  tools: "",
  attempt: undefined,
  isFinished: false,
};

/** More of one answer is not kept on the page: its beginning goes. */
const MAX_CHARACTERS = 500_000;

/** The answer with one more event: a reset begins it again, and the end's text wins over what was gathered. */
export function reduceChatEvent(before: StreamedAnswer, event: LiveChatEvent): StreamedAnswer {
  if (event.type === "reset") return { ...EMPTY_ANSWER, attempt: event.attempt };
  if (event.type === "end") {
    return {
      ...before,
      isFinished: true,
      text: event.text ?? before.text,
      ...(event.finishReason === undefined ? {} : { finishReason: event.finishReason }),
      ...(event.failure === undefined ? {} : { failure: event.failure }),
    };
  }
  const extended = (before[event.type] + event.delta).slice(-MAX_CHARACTERS);
  return { ...before, attempt: event.attempt, [event.type]: extended };
}
