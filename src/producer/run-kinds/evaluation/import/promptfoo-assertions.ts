import { resolve } from "node:path";
import { TemplateError } from "#src/evaluation/liquid-templates.ts";
import { PromptTemplates } from "#src/producer/run-kinds/evaluation/prompt-templates.ts";
import { asRecord, readFileReference, type TranslatedCheck, toText } from "./translation.ts";

/** A check, or why the assertion cannot run. */
type TranslatedAssertion = TranslatedCheck | string;

export interface AssertionContext {
  readonly vars: Readonly<Record<string, unknown>>;
  /** Of the configuration; absolute. */
  readonly folder: string;
}

interface Assertion {
  readonly value: unknown;
  readonly threshold: number | undefined;
  readonly folder: string;
}

const JUDGED = [
  "llm-rubric",
  "model-graded-closedqa",
  "model-graded-factuality",
  "factuality",
  "answer-relevance",
  "similar",
  "g-eval",
  "select-best",
  "classifier",
  "moderation",
];

/** Fields of assertions that change nothing that is scored here. */
const KNOWN_FIELDS = ["type", "value", "threshold", "weight", "metric"];

const TRANSLATORS: Readonly<Record<string, (assertion: Assertion) => TranslatedAssertion>> = {
  equals: ({ value }) =>
    typeof value === "object"
      ? { type: "json", equals: true, targets: [toText(value)] }
      : { type: "exact", targets: [toText(value)] },
  contains: ({ value }) => ({ type: "includes", ignoreCase: false, targets: [toText(value)] }),
  icontains: ({ value }) => ({ type: "includes", targets: [toText(value)] }),
  "contains-any": ({ value }) => ({ type: "includes", ignoreCase: false, targets: toList(value) }),
  "icontains-any": ({ value }) => ({ type: "includes", targets: toList(value) }),
  "contains-all": ({ value }) => ({ type: "includes", ignoreCase: false, all: true, targets: toList(value) }),
  "icontains-all": ({ value }) => ({ type: "includes", all: true, targets: toList(value) }),
  "starts-with": ({ value }) => ({
    type: "pattern",
    mode: "matches",
    pattern: `^${toText(value).replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")}`,
  }),
  regex: ({ value }) => ({ type: "pattern", mode: "matches", pattern: toText(value) }),
  "is-json": translateJson,
  "contains-json": translateJson,
  levenshtein: ({ value, threshold = 5 }) => ({ type: "levenshtein", maxEdits: threshold, targets: [toText(value)] }),
  "rouge-n": ({ value, threshold = 0.75 }) => ({
    type: "rouge",
    variant: "1",
    pass: threshold,
    targets: [toText(value)],
  }),
  bleu: ({ value, threshold = 0.5 }) => ({ type: "bleu", pass: threshold, targets: [toText(value)] }),
  "finish-reason": ({ value }) => ({ type: "javascript", code: `context.finishReason === ${JSON.stringify(value)}` }),
  javascript: ({ value, threshold, folder }) => {
    const file = readFileReference(value);
    if (file !== undefined && /:[\w$]+$/.test(file))
      return "functions with a name are not supported; export it as default";
    const source =
      file === undefined ? { code: toText(value).trim().replace(/;$/, "") } : { file: resolve(folder, file) };
    return { type: "javascript", ...source, ...(threshold === undefined ? {} : { pass: threshold }) };
  },
};

/** The types that are translated, for the documentation of problems. */
export const TRANSLATED_TYPES = Object.keys(TRANSLATORS);

/** A check for an assertion of a test; `not-` negates. */
export function translateAssertion(
  assertion: Readonly<Record<string, unknown>>,
  { vars, folder }: AssertionContext,
): TranslatedAssertion {
  const { type, threshold, weight } = assertion;
  if (typeof type !== "string") return "the type is missing";
  const negate = type.startsWith("not-");
  const name = negate ? type.slice("not-".length) : type;
  const translate = Object.hasOwn(TRANSLATORS, name) ? TRANSLATORS[name] : undefined;
  if (translate === undefined) return describeUnknownType(name);
  const unknown = Object.keys(assertion).filter((key) => !KNOWN_FIELDS.includes(key));
  if (unknown.length > 0) return `${unknown.join(", ")}: not supported in assertions`;
  if (threshold !== undefined && typeof threshold !== "number") return "the threshold is not a number";
  const value = name === "javascript" ? assertion.value : renderValue(assertion.value, vars);
  if (value instanceof TemplateError) return value.message;
  if (value === undefined && !name.endsWith("-json")) return "the value is missing";
  if (readFileReference(value) !== undefined && name !== "javascript")
    return "values in files are not supported for this type";
  const check = translate({ value, threshold, folder });
  if (typeof check === "string") return check;
  return { ...check, ...(negate ? { negate } : {}), ...(typeof weight === "number" ? { weight } : {}) };
}

function describeUnknownType(type: string): string {
  if (JUDGED.includes(type))
    return `the type ${type} needs calls of a model, which a check of a row cannot make; add a scorer to a spec of your own`;
  if (type === "cost" || type === "latency")
    return `the type ${type} is not supported; the results have cost and duration of each sample`;
  return `the type ${type} is not supported; supported are ${TRANSLATED_TYPES.join(", ")}, each also with not-`;
}

function translateJson({ value }: Assertion): TranslatedAssertion {
  if (value === undefined || value === "") return { type: "json" };
  return asRecord(value) ? { type: "json", schema: value } : "the value is not a JSON Schema";
}

/** A list, or a text with commas. */
function toList(value: unknown): string[] {
  return Array.isArray(value)
    ? value.map(toText)
    : toText(value)
        .split(",")
        .map((part) => part.trim());
}

function renderValue(value: unknown, vars: Readonly<Record<string, unknown>>): unknown {
  if (Array.isArray(value)) {
    const rendered = value.map((one) => renderValue(one, vars));
    return rendered.find((one) => one instanceof TemplateError) ?? rendered;
  }
  if (typeof value !== "string" || !/\{\{|\{%/.test(value)) return value;
  const templates = new PromptTemplates();
  const problem = templates.findSyntaxProblem(value);
  if (problem !== undefined) return new TemplateError(problem);
  try {
    return templates.render(value, vars);
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
}

const EXPECTED = /^(not-)?([a-z-]+)(?:\(([\d.]+)\))?:\s*/;
const ALIASES: Readonly<Record<string, string>> = { fn: "javascript", eval: "javascript", grade: "llm-rubric" };

/** The assertion of a cell in a column `__expected`: "contains: x", "similar(0.8): x", or a text that the answer equals. */
export function parseExpected(cell: string): Readonly<Record<string, unknown>> {
  if (/^(?:not-)?(?:is|contains)-json$/.test(cell.trim())) return { type: cell.trim() };
  const [prefix = "", not = "", name = "", threshold] = EXPECTED.exec(cell) ?? [];
  const type = ALIASES[name] ?? name;
  const isType =
    Object.hasOwn(TRANSLATORS, type) ||
    JUDGED.includes(type) ||
    ["python", "is-sql", "webhook", "cost", "latency"].includes(type);
  if (!isType) return { type: "equals", value: cell };
  const rest = cell.slice(prefix.length);
  return {
    type: `${not}${type}`,
    value: rest === "" ? undefined : rest,
    threshold: threshold === undefined ? undefined : Number(threshold),
  };
}
