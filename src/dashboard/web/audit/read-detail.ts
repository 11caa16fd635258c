import { type LimitWindow, RATE_LIMITS, type RateDimension } from "#src/core/lane.ts";

/** One part of the details of an audit entry; limits and item counts can be localized. */
export type DetailPart =
  | {
      readonly kind: "limit";
      readonly dimension: RateDimension | "concurrency";
      readonly window: LimitWindow;
      readonly value: number;
    }
  | { readonly kind: "window"; readonly value: number }
  | { readonly kind: "text"; readonly text: string };

const LIMITS = [...RATE_LIMITS, { dimension: "concurrency", window: "minute", field: "concurrency" } as const];

/** Parses the details of an audit entry: "clear, requestsPerMinute 250", "500 items". */
export function readDetail(detail: string): DetailPart[] {
  return detail
    .split(", ")
    .filter((text) => text !== "")
    .map((text): DetailPart => {
      const [, name, value] = /^(\w+) (\d{1,15})$/.exec(text) ?? [];
      const limit = LIMITS.find(({ field }) => field === name);
      if (limit) return { kind: "limit", dimension: limit.dimension, window: limit.window, value: Number(value) };
      const window = /^(\d{1,15}) items$/.exec(text);
      return window ? { kind: "window", value: Number(window[1]) } : { kind: "text", text };
    });
}
