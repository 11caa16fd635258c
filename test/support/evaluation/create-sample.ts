import type { AnsweredSample } from "#src/evaluation/sample.ts";

/** A sample with this text. */
export function createSample(
  text: string,
  targets: readonly string[] = [],
  fields: Readonly<Record<string, unknown>> = {},
): AnsweredSample {
  const output = { status: "answered", text, finishReason: "stop" } as const;
  const place = { item: "1", dataset: "d", model: "m", prompt: "p", number: 1, cluster: "1" };
  return { ...place, groups: {}, targets, fields, output };
}
