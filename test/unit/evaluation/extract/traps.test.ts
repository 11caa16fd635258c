import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as z from "zod";
import { createScorerRegistry } from "#src/evaluation/scorers/registry.ts";
import { createSample } from "#test/support/evaluation/create-sample.ts";

const FOLDER = "test/fixtures/evaluation/traps";
/** Text and reading; null where no answer is given, or where careful people would read different ones. */
const trapFile = z.object({
  scorer: z.string(),
  options: z.record(z.string(), z.unknown()),
  fields: z.record(z.string(), z.unknown()).optional(),
  target: z.string().optional(),
  traps: z.array(z.tuple([z.string(), z.string().nullable()])),
});
const files = readdirSync(FOLDER).map((name) => ({
  name,
  ...trapFile.parse(JSON.parse(readFileSync(`${FOLDER}/${name}`, "utf8"))),
}));

test("there are at least 500 traps, all different", () => {
  const all = files.flatMap(({ name, traps }) => traps.map(([text]) => `${name}: ${text}`));
  expect(all.length).toBeGreaterThanOrEqual(500);
  expect(new Set(all).size).toBe(all.length);
});

test.each(files)("$name", async ({ scorer: type, options, fields, target = "1", traps }) => {
  const { scorer } = createScorerRegistry().create("s", type, options);
  const readings = [];
  for (const [text] of traps) {
    const score = await scorer?.score(createSample(text, [target], fields));
    readings.push([text, score?.status === "unparseable" ? null : score?.answer]);
  }
  expect(readings.filter(([text, reading], i) => reading !== traps[i]?.[1] || text === undefined)).toEqual([]);
});
