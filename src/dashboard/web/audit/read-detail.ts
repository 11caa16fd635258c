/** What was given with an act, as far as there are words for it. */
export type DetailPart =
  | {
      readonly kind: "limit";
      readonly dimension: "requests" | "tokens" | "concurrency";
      readonly value: number;
    }
  | { readonly kind: "window"; readonly value: number }
  | { readonly kind: "text"; readonly text: string };

const DIMENSIONS = {
  requestsPerMinute: "requests",
  tokensPerMinute: "tokens",
  concurrency: "concurrency",
} as const;

/** Takes an audit line's detail to pieces: "clear, requestsPerMinute 250", "500 items". */
export function readDetail(detail: string): DetailPart[] {
  return detail
    .split(", ")
    .filter((text) => text !== "")
    .map((text): DetailPart => {
      const limit = /^(requestsPerMinute|tokensPerMinute|concurrency) (\d{1,15})$/.exec(text);
      if (limit) {
        const dimension = DIMENSIONS[limit[1] as keyof typeof DIMENSIONS];
        return { kind: "limit", dimension, value: Number(limit[2]) };
      }
      const window = /^(\d{1,15}) items$/.exec(text);
      return window ? { kind: "window", value: Number(window[1]) } : { kind: "text", text };
    });
}
