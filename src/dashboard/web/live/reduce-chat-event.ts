import type { FailureView } from "#src/dashboard/items/item-api.ts";
import type { LiveChatEvent } from "#src/dashboard/live/chat-api.ts";

/** The part of a chat answer that has been received so far. */
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

/** Limits the memory that a page uses for an answer: the beginning of longer answers is dropped. */
const MAX_CHARACTERS = 500_000;

/** Applies an event to the answer. A reset starts it again, and the text of the end event replaces the received text. */
export function reduceChatEvent(answer: StreamedAnswer, event: LiveChatEvent): StreamedAnswer {
  if (event.type === "reset") return { ...EMPTY_ANSWER, attempt: event.attempt };
  if (event.type === "end") {
    return {
      ...answer,
      isFinished: true,
      text: event.text ?? answer.text,
      finishReason: event.finishReason,
      failure: event.failure,
    };
  }
  const extended = (answer[event.type] + event.delta).slice(-MAX_CHARACTERS);
  return { ...answer, attempt: event.attempt, [event.type]: extended };
}
