import { parentPort } from "node:worker_threads";
import { compileSchema, type JsonSchema, type SchemaCheck } from "#src/evaluation/scorers/sandboxed/json-schema.ts";

/* Checks values against JSON Schemas in a thread of its own, because their patterns may need very long. */

export interface SchemaRequest {
  readonly schema: JsonSchema;
  readonly value: unknown;
}

let last: { readonly key: string; readonly check: SchemaCheck } | undefined;

parentPort?.on("message", ({ schema, value }: SchemaRequest) => {
  const key = JSON.stringify(schema);
  if (last?.key !== key) last = { key, check: compileSchema(schema) };
  parentPort?.postMessage({ problem: last.check(value) });
});
parentPort?.postMessage("ready");
