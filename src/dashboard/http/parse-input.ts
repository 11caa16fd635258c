import type * as z from "zod";
import { HttpError } from "./http-error.ts";

/** What a request brought, checked. Throws an HttpError that names the fields, and never repeats what came. */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, 5).map((issue) => {
    const field = issue.path.map(String).join(".");
    if (issue.code === "unrecognized_keys") return "it has fields that are not known";
    return field === "" ? issue.message : `${field}: ${issue.message}`;
  });
  throw new HttpError("bad-request", `The request cannot be used: ${problems.join("; ")}.`);
}
