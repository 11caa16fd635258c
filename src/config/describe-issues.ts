import { z } from "zod";
import { printable } from "#src/core/describe-path.ts";
import { findSimilarName } from "#src/core/similar-names.ts";
import type { ValueIssue } from "./value-schemas.ts";

type Path = readonly PropertyKey[];

/** One sentence per problem; `name(path)` names the setting, and `input` is the parsed value. */
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

/** A value as the reader would write it, without control characters and at most 40 characters long. */
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

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    return (value as Record<PropertyKey, unknown>)[step];
  }, input);
}

/** The schema at a path, or undefined if the schema has no such path. */
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
