import type { AnsweredOutput } from "#src/evaluation/sample.ts";

/**
 * The text to score; undefined if there is none, for example because the answer was cut off while the model was still
 * reasoning. With `withReasoning`, the reasoning comes first.
 */
export function readAnswerText({ text, reasoning }: AnsweredOutput, withReasoning: boolean): string | undefined {
  const complete = withReasoning
    ? [reasoning, text].filter((part) => part !== undefined && part !== "").join("\n")
    : removeReasoning(text);
  return complete.trim() === "" ? undefined : complete;
}

const TAG = /<(\/?)(think|thinking|thought|reasoning)>/gi;

/**
 * Removes reasoning blocks: `<think>`, `<thinking>`, `<thought>`, and `<reasoning>`. A block that is not closed reaches to the
 * end of the text; a closing tag without an opening one ends a block that began in the prompt.
 */
export function removeReasoning(text: string): string {
  if (!text.includes("<")) return text;
  let kept = "";
  let depth = 0;
  let from = 0;
  for (const { 0: tag, 1: slash, index } of text.matchAll(TAG)) {
    if (slash === "") {
      if (depth === 0) kept += text.slice(from, index);
      depth += 1;
    } else if (depth === 0) kept = "";
    else depth -= 1;
    from = index + tag.length;
  }
  return depth === 0 ? kept + text.slice(from) : kept;
}
