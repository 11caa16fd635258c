import { extname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { coerceError } from "#src/core/failures/errors.ts";
import { findJson } from "#src/evaluation/extract/read-json.ts";
import { LimitedThread } from "#src/evaluation/sandbox/limited-thread.ts";
import type { SchemaRequest } from "#src/evaluation/sandbox/schema-thread.ts";
import { scored, scoringError, unparseable } from "#src/evaluation/score.ts";
import type { ScorerType } from "#src/evaluation/scorer.ts";
import { defineScorer, NO_TARGET } from "#src/evaluation/scorers/define-scorer.ts";
import { OptionError } from "#src/evaluation/scorers/scorer-options.ts";
import { compileSchema, type JsonSchema } from "./json-schema.ts";
import type { ScorerResources } from "./sandbox-options.ts";

const LIMITS = { timeMs: 5_000, memoryMb: 128 };

export function createJsonScorer(resources: Pick<ScorerResources, "onClose">): ScorerType {
  return defineScorer({
    type: "json",
    summary: "The answer is JSON that matches a JSON Schema, or equals a target.",
    range: "binary",
    options: {
      schema: z
        .union([z.boolean(), z.record(z.string(), z.unknown())])
        .default(true)
        .describe(
          "JSON Schema (draft 2020-12, or draft 7 if `$schema` says so; `format` is not checked); without it, every JSON value is right",
        ),
      equals: z
        .boolean()
        .default(false)
        .describe("the value must also equal a target, apart from the order of properties"),
    },
    create({ schema, equals }) {
      try {
        compileSchema(schema);
      } catch (error) {
        throw new OptionError(["schema"], `cannot be checked: ${coerceError(error).message}`);
      }
      const check = schema === true ? undefined : createCheck(schema, resources);
      return async (text, { targets }, signal) => {
        if (equals && targets.length === 0) return NO_TARGET;
        const found = findJson(text);
        if (found === undefined) return unparseable("the text has no JSON value");
        const answer = JSON.stringify(found.value);
        const result = await check?.(found.value, signal);
        if (result?.status === "failed") return scoringError(`the schema was not checked: ${result.reason}`, answer);
        if (result?.value.problem !== undefined) return scored(0, answer, result.value.problem);
        if (!equals) return scored(1, answer);
        const wanted = targets.map((target) => findJson(target));
        if (wanted.includes(undefined)) return scoringError("a target is not JSON", answer);
        return scored(wanted.some((each) => isDeepStrictEqual(each?.value, found.value)) ? 1 : 0, answer);
      };
    },
  });
}

function createCheck(schema: JsonSchema, resources: Pick<ScorerResources, "onClose">) {
  const script = new URL(`../../sandbox/schema-thread${extname(import.meta.url)}`, import.meta.url);
  const thread = new LimitedThread<SchemaRequest, { readonly problem?: string }>(script, LIMITS);
  resources.onClose(() => thread.close());
  return (value: unknown, signal?: AbortSignal) => thread.run({ schema, value }, signal);
}
