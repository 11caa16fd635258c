import { parentPort } from "node:worker_threads";
import { findSchemaProblem, type JsonSchema } from "#src/evaluation/scorers/json-schema.ts";

/* Checks values against JSON Schemas in a thread of its own, because their patterns may need very long. */

export interface SchemaRequest {
  readonly schema: JsonSchema;
  readonly value: unknown;
}

parentPort?.on("message", ({ schema, value }: SchemaRequest) => {
  parentPort?.postMessage({ problem: findSchemaProblem(schema, value) });
});
parentPort?.postMessage("ready");
