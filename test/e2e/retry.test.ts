import { existsSync, linkSync, readFileSync } from "node:fs";
import { parquetReadObjects } from "hyparquet";
import { asyncBufferFromFile } from "hyparquet/src/node.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { progressed, Workshop } from "../support/cli.ts";
import { corpusText, expectedVectors } from "../support/corpus.ts";
import { readJsonl, readNpy } from "../support/read-output.ts";

const ITEMS = 300;
const FILTERED = [7, 130, 131];
const REFUSED = [200];
let shop: Workshop;

beforeEach(async () => {
  shop = await Workshop.open();
  const text = (n: number) =>
    FILTERED.includes(n)
      ? `${corpusText(n)} forbidden`
      : REFUSED.includes(n)
        ? `${corpusText(n)} broken`
        : corpusText(n);
  const lines = Array.from({ length: ITEMS }, (_, n) => JSON.stringify({ id: `c-${n}`, text: text(n) }));
  shop.write("corpus.jsonl", `${lines.join("\n")}\n`);
});

afterEach(() => shop[Symbol.asyncDispose]());

const filter = { text: "forbidden", action: { type: "code", code: 1026 } } as const;
const refuse = { text: "broken", action: { type: "code", code: 2013 } } as const;

async function runWithFailures(format: string): Promise<void> {
  shop.simulator.configure({ faults: [filter, refuse] });
  const { code } = await shop.embed(["corpus.jsonl", "--out", "out", "--format", format]).exit;
  expect(code).toBe(1);
  expect(shop.manifest("out")).toMatchObject({
    state: "finished",
    failuresByKind: { "content-filter": 3, "invalid-request": 1 },
  });
}

test.each(["npy", "jsonl", "parquet"])(
  "failed items of a finished run are retried by kind, the others stay (%s)",
  async (format) => {
    await runWithFailures(format);
    const [name = ""] = shop.manifest("out").output.files.slice(-1);
    linkSync(shop.path("out", name), shop.path("kept"));
    const kept = readFileSync(shop.path("kept"));
    const before = shop.simulator.statistics();
    shop.simulator.configure({ faults: [refuse] });
    const first = await shop.run(["retry", "out", "--kind", "content-filter", "--workers", "1"]);
    expect(first.code).toBe(1);
    const after = shop.simulator.statistics();
    expect(after.texts - before.texts).toBe(3);
    expect(shop.manifest("out")).toMatchObject({
      state: "finished",
      items: { total: ITEMS, succeeded: ITEMS - 1, failed: 1, missing: 0 },
      failuresByKind: { "invalid-request": 1 },
    });
    expect(readJsonl(shop.path("out", "errors.jsonl"))).toMatchObject([
      { id: "c-200", kind: "invalid-request" },
    ]);

    shop.simulator.configure({ faults: [] });
    const { run } = shop.manifest("out");
    const second = await shop.run(["retry", run, "--workers", "1"]);
    expect({ code: second.code, texts: shop.simulator.statistics().texts - after.texts }).toEqual({
      code: 0,
      texts: 1,
    });
    expect(existsSync(shop.path("out", "errors.jsonl"))).toBe(false);
    expect(existsSync(shop.path("out", ".work"))).toBe(false);
    const ids = Array.from({ length: ITEMS }, (_, n) => `c-${n}`);
    if (format === "npy") {
      expect(readJsonl(shop.path("out", "items.jsonl")).map(({ id }) => id)).toEqual(ids);
      const { floats } = readNpy(shop.path("out", "vectors.npy"));
      const vectors = expectedVectors(ITEMS, (n) =>
        FILTERED.includes(n)
          ? `${corpusText(n)} forbidden`
          : REFUSED.includes(n)
            ? `${corpusText(n)} broken`
            : corpusText(n),
      );
      expect(Buffer.compare(Buffer.from(floats.buffer), Buffer.from(vectors.buffer))).toBe(0);
    } else {
      const records =
        format === "jsonl"
          ? readJsonl(shop.path("out", "records.jsonl"))
          : await parquetReadObjects({
              file: await asyncBufferFromFile(shop.path("out", "records.parquet")),
            });
      expect(records.map(({ id }) => id)).toEqual(ids);
      expect(records.every(({ vector }) => (vector as number[]).length === 1536)).toBe(true);
      expect(records.every(({ status }) => status === "ok")).toBe(true);
    }
    // Whoever reads the output of before, or keeps it under another name, sees it as it was.
    expect(readFileSync(shop.path("kept")).equals(kept)).toBe(true);
    const third = await shop.run(["retry", "out"]);
    expect(third).toMatchObject({ code: 0 });
    expect(third.stderr).toContain("nothing to retry");
  },
);

test("a cancelled run goes on with retry, and pays for nothing twice", async () => {
  shop.settings({ requestsPerMinute: 100_000, concurrency: 1 });
  shop.simulator.configure({ latency: { fixedMs: 150 } });
  const cli = shop.embed(["corpus.jsonl", "--out", "out", "--format", "npy", "--json"]);
  await cli.event(progressed(0.1), "a tenth of the items");
  await shop.run(["cancel", "out"]);
  expect(await cli.exit).toMatchObject({ code: 1 });
  expect(shop.manifest("out").failuresByKind.cancelled).toBeGreaterThan(0);
  expect(await shop.run(["retry", "out", "--kind", "cancelled"])).toMatchObject({ code: 0 });
  expect(shop.simulator.statistics().texts).toBe(ITEMS);
  expect(shop.manifest("out")).toMatchObject({ items: { succeeded: ITEMS }, calls: { paidTwice: 0 } });
});

test("a retry killed in the middle goes on with the run's own command", async () => {
  await runWithFailures("jsonl");
  shop.simulator.configure({ faults: [{ action: { type: "stall" } }] });
  const { calls } = shop.simulator.statistics();
  const retry = shop.start(["retry", "out", "--workers", "1", "--json"]);
  await retry.event(() => shop.simulator.statistics().calls > calls, "a call");
  retry.killGroup("SIGKILL");
  await retry.exit;
  shop.simulator.configure({ faults: [] });
  expect(await shop.embed(["corpus.jsonl", "--out", "out", "--format", "jsonl"]).exit).toMatchObject({
    code: 0,
  });
  expect(shop.manifest("out").items).toMatchObject({ succeeded: ITEMS, failed: 0 });
});

test.each([
  [["retry", "nowhere"], 'no run "nowhere"'],
  [["retry", "corpus.jsonl", "--kind", "tired"], "is no kind of failure"],
])("%j is refused", async (args, message) => {
  const { code, stderr } = await shop.run(args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
