import type * as z from "zod";
import { describeSchemaIssue } from "#src/core/describe-schema-issue.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import { HttpError } from "./http-error.ts";

/** Validates a query, parameters or a body. Throws an HttpError that names the fields and never repeats the input. */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, 5).map((issue) => {
    const field = issue.path.map(String).join(".");
    if (issue.code === "unrecognized_keys") return "unknown fields";
    const expected = describeSchemaIssue(issue);
    return field === "" ? expected : `${field}: ${expected}`;
  });
  throw new HttpError(ERRORS.invalidRequest(problems));
}
