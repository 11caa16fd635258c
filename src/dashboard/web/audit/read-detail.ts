/** One part of the details of an audit entry; limits and item counts can be localized. */
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

/** Parses the details of an audit entry: "clear, requestsPerMinute 250", "500 items". */
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
