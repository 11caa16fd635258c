import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Failure } from "#src/core/item.ts";

export function readLines(dir: string, name: string) {
  return readFileSync(join(dir, name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

export const failure = (kind: Failure["kind"], code?: string): Failure => ({
  kind,
  message: `a simulated ${kind}`,
  code,
});
