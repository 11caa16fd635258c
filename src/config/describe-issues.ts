import { z } from "zod";
import { coerceError, errorCode } from "#src/core/errors.ts";
import { findSimilarName } from "#src/core/similar-names.ts";
import type { ValueIssue } from "./value-schemas.ts";

type Path = readonly PropertyKey[];

/** One sentence per problem, each naming the setting by `name(path)`; `input` is what was parsed. */
export function describeIssues(
  schema: z.ZodType,
  input: unknown,
  issues: readonly z.core.$ZodIssue[],
  name: (path: Path) => string,
): string[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      const known = knownKeys(schemaAt(schema, issue.path));
      return issue.keys.map((key) => `${name([...issue.path, key])}: ${unknownKey(key, known)}`);
    }
    return [`${name(issue.path)}: ${describeIssue(issue, valueAt(input, issue.path))}`];
  });
}

function describeIssue(issue: z.core.$ZodIssue, received: unknown): string {
  if (issue.code === "custom" && issue.params !== undefined) {
    const { expected, echo } = issue.params as ValueIssue;
    return echo ? `${expected}, got ${describeValue(received)}` : `${expected}, got ${describeKind(received)}`;
  }
  if (issue.code !== "invalid_type") return issue.message;
  const expected = issue.expected === "array" ? "a list" : "a mapping";
  return `expected ${expected}, got ${describeKind(received)}`;
}

function unknownKey(key: string, known: readonly string[]): string {
  const close = findSimilarName(key, known);
  return close === undefined ? `unknown key; known here: ${known.join(", ")}` : `unknown key; did you mean "${close}"?`;
}

/** A value as a reader would type it, cut to a length that fits a sentence and without control characters. */
function describeValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(printable(value).slice(0, 40));
  return typeof value === "object" && value !== null ? describeKind(value) : String(value);
}

function describeKind(value: unknown): string {
  if (value === "") return "empty text";
  if (typeof value === "string") return "other text";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a mapping";
  return value === undefined || value === null ? "nothing" : `a ${typeof value}`;
}

/** Control and direction characters would let a settings file rewrite the terminal it is reported on. */
export function printable(textWithControls: string): string {
  return textWithControls.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "?");
}

/** "providers.minimax.accounts[1].name"; keys that are more than a word are quoted. */
export function formatPath(path: Path): string {
  let out = "";
  for (const step of path) {
    if (typeof step === "number") out += `[${step}]`;
    else if (/^[\w-]+$/.test(String(step))) out += `${out === "" ? "" : "."}${String(step)}`;
    else out += `[${JSON.stringify(printable(String(step)).slice(0, 60))}]`;
  }
  return out;
}

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    return (value as Record<PropertyKey, unknown>)[step];
  }, input);
}

/** The schema at a path, or undefined where there is none. */
function schemaAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType | undefined {
  return path.reduce<z.core.$ZodType | undefined>((found, step) => {
    const inner = found && unwrap(found);
    if (inner instanceof z.ZodObject) return inner.shape[String(step)];
    if (inner instanceof z.ZodArray) return inner.element;
    return inner instanceof z.ZodRecord ? inner.valueType : undefined;
  }, schema);
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodOptional ? unwrap(schema.unwrap()) : schema;
}

function knownKeys(schema: z.core.$ZodType | undefined): string[] {
  const inner = schema && unwrap(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** Every setting a schema knows, as paths: "[]" stands for any list position and "*" for any name. */
export function listSettings(schema: z.core.$ZodType, prefix = ""): string[] {
  const inner = unwrap(schema);
  const join = (step: string) => (prefix === "" ? step : `${prefix}.${step}`);
  if (inner instanceof z.ZodObject) {
    return Object.entries<z.core.$ZodType>(inner.shape).flatMap(([key, one]) => listSettings(one, join(key)));
  }
  if (inner instanceof z.ZodArray) return listSettings(inner.element, `${prefix}[]`);
  return inner instanceof z.ZodRecord ? listSettings(inner.valueType, join("*")) : [prefix];
}

const READ_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "permission denied",
  EISDIR: "it is a folder",
};

/** Why the system does not let a file be read, without its path. */
export function describeReadError(thrown: unknown): string {
  const code = errorCode(thrown);
  return READ_ERRORS[code ?? ""] ?? code ?? coerceError(thrown).name;
}
