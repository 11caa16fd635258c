import type { FailureView, LiveChatEvent } from "../../contract.ts";

/** An answer on its way. */
export interface Gathered {
  readonly reasoning: string;
  readonly text: string;
  readonly tools: string;
  readonly attempt: number | undefined;
  readonly isOver: boolean;
  readonly finishReason?: string;
  readonly failure?: FailureView;
}

export const NOTHING_YET: Gathered = {
  reasoning: "",
  text: "",
  tools: "",
  attempt: undefined,
  isOver: false,
};

/** More of one answer is not kept on the page: its beginning goes. */
const MOST_CHARACTERS = 500_000;

/** The answer with one more event: a reset begins it again, and the end's text wins over what was gathered. */
export function gatherDelta(before: Gathered, event: LiveChatEvent): Gathered {
  if (event.type === "reset") return { ...NOTHING_YET, attempt: event.attempt };
  if (event.type === "end") {
    return {
      ...before,
      isOver: true,
      text: event.text ?? before.text,
      ...(event.finishReason === undefined ? {} : { finishReason: event.finishReason }),
      ...(event.failure === undefined ? {} : { failure: event.failure }),
    };
  }
  const grown = (before[event.type] + event.delta).slice(-MOST_CHARACTERS);
  return { ...before, attempt: event.attempt, [event.type]: grown };
}
