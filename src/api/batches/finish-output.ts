import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { readLines } from "#src/producer/input/formats/read-lines.ts";
import { isObject, readField } from "#src/providers/json-value.ts";
import type { BatchUsage } from "./batch-object.ts";

/** Why the requests without an answer have none. */
export type EndReason = "completed" | "cancelled" | "expired";

const END_ERRORS: Readonly<Record<EndReason, { readonly code: string; readonly message: string } | undefined>> = {
  completed: undefined,
  cancelled: { code: "batch_cancelled", message: "The batch was cancelled before this request was answered." },
  expired: {
    code: "batch_expired",
    message: "This request could not be answered before the completion window of the batch ended.",
  },
};

/** Number of lines, and the tokens that their answers report. */
export async function summarizeAnswers(path: string): Promise<{ readonly lines: number; readonly usage: BatchUsage }> {
  const total = { input: 0, cached: 0, output: 0, reasoning: 0, all: 0 };
  let lines = 0;
  for await (const group of readExisting(path)) {
    for (const line of group) {
      lines += 1;
      const usage = "text" in line ? readUsage(line.text) : undefined;
      const input = count(usage, "prompt_tokens") || count(usage, "input_tokens");
      const output = count(usage, "completion_tokens") || count(usage, "output_tokens");
      total.input += input;
      total.output += output;
      total.all += count(usage, "total_tokens") || input + output;
      total.cached +=
        count(readField(usage, "prompt_tokens_details"), "cached_tokens") ||
        count(readField(usage, "input_tokens_details"), "cached_tokens");
      total.reasoning +=
        count(readField(usage, "completion_tokens_details"), "reasoning_tokens") ||
        count(readField(usage, "output_tokens_details"), "reasoning_tokens");
    }
  }
  return {
    lines,
    usage: {
      input_tokens: total.input,
      input_tokens_details: { cached_tokens: total.cached },
      output_tokens: total.output,
      output_tokens_details: { reasoning_tokens: total.reasoning },
      total_tokens: total.all,
    },
  };
}

/** Writes the lines of failed requests to another file, with OpenAI's code for those that were not answered in time. */
export async function writeErrorFile(from: string, to: string, reason: EndReason): Promise<number> {
  const error = END_ERRORS[reason];
  const target = createWriteStream(to, { flush: true });
  let lines = 0;
  try {
    for await (const group of readExisting(from)) {
      const texts = group.map((line) => ("text" in line ? replaceError(line.text, error) : ""));
      lines += group.length;
      if (!target.write(texts.map((text) => `${text}\n`).join(""))) await once(target, "drain");
    }
  } finally {
    target.end();
    await once(target, "close");
  }
  return lines;
}

/** Of a request that the run did not answer; all others keep their own error. */
function replaceError(text: string, error: { readonly code: string; readonly message: string } | undefined): string {
  if (!error) return text;
  const line: unknown = JSON.parse(text);
  const isUnanswered = isObject(line) && readField(line.error, "code") === "cancelled";
  return isUnanswered ? JSON.stringify({ ...line, error }) : text;
}

/** The usage at the end of an answer's line, without parsing vectors of megabytes where they precede it. */
function readUsage(text: string): unknown {
  try {
    const tail = /"usage":(\{[^{}]*\})\}\},"error":null\}$/.exec(text.slice(-400))?.[1];
    if (tail !== undefined) return JSON.parse(tail);
    return readField(readField(readField(JSON.parse(text), "response"), "body"), "usage");
  } catch {
    return undefined;
  }
}

function count(value: unknown, field: string): number {
  const found = readField(value, field);
  return typeof found === "number" ? found : 0;
}

/** The lines of a file; none if it does not exist. */
async function* readExisting(path: string) {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists) yield* readLines(createReadStream(path));
}
