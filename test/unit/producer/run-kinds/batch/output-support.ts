import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Failure, Item } from "#src/core/item.ts";

export async function* inBlocks(items: readonly Item[]): AsyncGenerator<readonly Item[]> {
  for (let at = 0; at < items.length; at += 7) yield items.slice(at, at + 7);
}

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
