import { omitUndefined } from "#src/core/omit-undefined.ts";

/** What a scorer found in one sample. An answer that cannot be read is never a wrong answer. */
export type Score =
  | {
      readonly status: "scored";
      /** 1 and 0 for right and wrong, or a number in the scorer's range. */
      readonly value: number;
      /** What was read from the text, normalized. */
      readonly answer?: string;
      readonly explanation?: string;
    }
  | { readonly status: "unparseable"; readonly answer?: undefined; readonly explanation: string }
  /** The scorer failed, or cannot score this item (for example because the item has no target). */
  | { readonly status: "error"; readonly answer?: string; readonly explanation: string };

export function scored(value: number, answer?: string, explanation?: string): Score {
  return omitUndefined({ status: "scored", value, answer, explanation });
}

export function unparseable(explanation: string): Score {
  return { status: "unparseable", explanation };
}

export function scoringError(explanation: string, answer?: string): Score {
  return omitUndefined({ status: "error", explanation, answer });
}
