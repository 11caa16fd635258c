import type { core } from "zod";
import { printable } from "./describe-path.ts";

/** What a schema expected at a place, as half a sentence without the value: "expected at least 1 entry". */
export function describeSchemaIssue(issue: core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${KINDS[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `expected ${joinWithOr(issue.values.map(String))}`;
    case "too_small":
      return `expected ${describeBound(issue.origin, issue.minimum, issue.inclusive ? "at least" : "more than")}`;
    case "too_big":
      return `expected ${describeBound(issue.origin, issue.maximum, issue.inclusive ? "at most" : "less than")}`;
    case "invalid_union": {
      const expected = issue.errors.flat().map((inner) => describeSchemaIssue(inner).replace(/^expected /, ""));
      return expected.length === 0 ? printable(issue.message) : `expected ${joinWithOr([...new Set(expected)])}`;
    }
    default:
      return printable(issue.message);
  }
}

const KINDS: Readonly<Record<string, string>> = {
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

function describeBound(origin: string, bound: number | bigint, comparison: string): string {
  const isOne = Number(bound) === 1;
  if (origin === "string")
    return isOne && comparison === "at least"
      ? "text that is not empty"
      : `${comparison} ${bound} character${isOne ? "" : "s"}`;
  if (origin === "array" || origin === "object" || origin === "record")
    return `${comparison} ${bound} ${isOne ? "entry" : "entries"}`;
  return `a number of ${comparison} ${bound}`;
}

function joinWithOr(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
