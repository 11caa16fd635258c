import { isObject, type JsonObject, readField, readText } from "#src/providers/json-value.ts";

/** Adds the tokens of a frame's `logprobsResult` to those before it. */
export function joinLogprobs(known: unknown, added: unknown): unknown {
  if (!isObject(known) || !isObject(added)) return added ?? known;
  const joined = Object.entries(added).map(([name, value]): [string, unknown] => {
    const before = readField(known, name);
    return [name, Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value];
  });
  return { ...known, ...Object.fromEntries(joined) };
}

/** `logprobsResult` in the form of OpenAI's `logprobs`; undefined without any tokens. */
export function decodeLogprobs(result: unknown): JsonObject | undefined {
  const chosen = readList(result, "chosenCandidates");
  const top = readList(result, "topCandidates");
  if (chosen.length === 0) return undefined;
  return {
    content: chosen.map((token, index) => ({
      ...decodeToken(token),
      top_logprobs: readList(top[index], "candidates").map(decodeToken),
    })),
  };
}

function decodeToken(token: unknown): JsonObject {
  const text = readText(token, "token") ?? "";
  return { token: text, logprob: readField(token, "logProbability"), bytes: [...Buffer.from(text)] };
}

function readList(source: unknown, field: string): readonly unknown[] {
  const list = readField(source, field);
  return Array.isArray(list) ? list : [];
}
