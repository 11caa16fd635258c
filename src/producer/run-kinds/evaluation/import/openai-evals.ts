import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { asRecord, type ForeignFile, type Translation } from "./translation.ts";

type Mapping = Readonly<Record<string, unknown>>;

/** An entry of a registry of openai/evals with a class. */
function findClassEntry(content: Mapping): readonly [string, Mapping] | undefined {
  for (const [name, entry] of Object.entries(content)) {
    const mapping = asRecord(entry);
    if (typeof mapping?.class === "string" && mapping.class.startsWith("evals.")) return [name, mapping];
  }
  return undefined;
}

export function isOpenaiEvals(content: Mapping): boolean {
  return findClassEntry(content) !== undefined;
}

/** One of answer and target contains the other, without case, punctuation, and articles. */
const FUZZY_MATCH = `
const simplify = (text) => text.toLowerCase().replace(/[^\\p{L}\\p{N}\\s]/gu, "").replace(/\\b(?:a|an|the)\\b/g, " ").trim().replace(/\\s+/g, " ");
const answer = simplify(output);
return context.targets.map(simplify).some((target) =>
  answer === "" || target === "" ? answer === target : answer.includes(target) || target.includes(answer));`;

const SCORERS: Readonly<Record<string, object>> = {
  Match: { type: "match", location: "begin", ignoreCase: false },
  Includes: { type: "includes", ignoreCase: false },
  FuzzyMatch: { type: "javascript", code: FUZZY_MATCH },
  JsonMatch: { type: "json", equals: true },
};

/** The first eval with a class; its samples have `input` and `ideal`. */
export function translateOpenaiEvals({ content, folder, problems, models, name: fileName }: ForeignFile): Translation {
  const entries = Object.entries(content).filter(([, entry]) => typeof asRecord(entry)?.class === "string");
  for (const [name] of entries.slice(1))
    problems.add([name], "only the first eval of a file is run; put this one into a file of its own");
  const [name = "", entry = {}] = findClassEntry(content) ?? [];
  const args = asRecord(entry.args) ?? {};
  const type = String(entry.class).split(":").at(-1) ?? "";
  const scorer = translateClass(type, args, (at, message) => problems.add([name, ...at], message));
  const samples = typeof args.samples_jsonl === "string" ? args.samples_jsonl : "";
  const places = [resolve(folder, samples), join(folder, "..", "data", samples), join(folder, "data", samples)];
  const path = places.find((place) => samples !== "" && existsSync(place));
  if (path === undefined) problems.add([name, "args", "samples_jsonl"], "no such file here, in data, or in ../data");
  for (const key of Object.keys(args))
    if (!["samples_jsonl", "ignore_case"].includes(key)) problems.add([name, "args", key], "not supported");
  if (models === undefined) problems.add([], "the file names no models: add --models");
  return {
    content: {
      name: name === "" ? fileName : name,
      datasets: [{ path, target: "ideal" }],
      prompts: [{ messages: "input" }],
      models: models?.map((model) => ({ model })),
      scorers: { accuracy: scorer },
    },
  };
}

function translateClass(type: string, args: Mapping, report: (at: readonly string[], message: string) => void): object {
  const scorer = Object.hasOwn(SCORERS, type) ? SCORERS[type] : undefined;
  if (scorer === undefined) {
    report(["class"], `the class ${type} is not supported; supported are ${Object.keys(SCORERS).join(", ")}`);
    return { type: "exact" };
  }
  return args.ignore_case === true && "ignoreCase" in scorer ? { ...scorer, ignoreCase: true } : scorer;
}
