import { omitUndefined } from "#src/core/omit-undefined.ts";
import { isObject, type JsonObject } from "#src/providers/json-value.ts";
import type { ChatRequest, ChatResponse, Usage } from "#src/providers/provider.ts";

/**
 * The requests for one answer each that together ask for what `request` asks for. Seeds differ, because equal ones would give
 * equal answers.
 */
export function splitChoices(request: ChatRequest): readonly ChatRequest[] {
  const { n, ...extra } = request.extra ?? {};
  if (typeof n !== "number" || n <= 1) return [request];
  const { seed } = request;
  return Array.from({ length: n }, (_, i) =>
    omitUndefined({ ...request, seed: seed === undefined ? undefined : seed + i, extra }),
  );
}

/** The answers to one item that requests several (`n`), each from a call of its own, as one. */
export function combineChoices(answers: readonly ChatResponse[]): ChatResponse {
  const [first, ...others] = answers;
  if (!first) throw new RangeError("there is no answer to combine");
  const { usage, ...extra } = first.extra ?? {};
  const full = answers.map((answer) => answer.extra?.usage).filter(isObject);
  const choices = others.map(({ usage: _, model: __, requestId: ___, ...choice }) => ({
    ...choice,
    extra: omitUsage(choice.extra),
  }));
  return {
    ...first,
    usage: sumFields(answers.map((answer) => answer.usage)) as Usage,
    extra: full.length > 0 ? { ...extra, usage: sumFields(full) } : first.extra,
    choices,
  };
}

function omitUsage(extra: ChatResponse["extra"] = {}): ChatResponse["extra"] {
  const { usage: _, ...others } = extra;
  return others;
}

/** Objects with numbers, such as usage, as one: numbers are added, and other values are those of the first object. */
function sumFields(objects: readonly (JsonObject | Usage)[]): JsonObject {
  const sum: Record<string, unknown> = {};
  for (const object of objects) {
    for (const [name, value] of Object.entries(object)) {
      const before = sum[name];
      if (typeof value === "number") sum[name] = (typeof before === "number" ? before : 0) + value;
      else if (isObject(value)) sum[name] = isObject(before) ? sumFields([before, value]) : value;
      else sum[name] ??= value;
    }
  }
  return sum;
}
