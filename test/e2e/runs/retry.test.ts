import { existsSync, linkSync, readFileSync } from "node:fs";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CliSandbox, hasProgressedTo } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText, expectedVectors } from "#test/support/runs/corpus.ts";
import { readJsonl, readNpy } from "#test/support/runs/read-output-files.ts";

const ITEMS = 300;
const FILTERED = [7, 130, 131];
const REFUSED = [200];
let sandbox: CliSandbox;

beforeEach(async () => {
  sandbox = await CliSandbox.open();
  const text = (n: number) =>
    FILTERED.includes(n)
      ? `${buildCorpusText(n)} forbidden`
      : REFUSED.includes(n)
        ? `${buildCorpusText(n)} broken`
        : buildCorpusText(n);
  const lines = Array.from({ length: ITEMS }, (_, n) => JSON.stringify({ id: `c-${n}`, text: text(n) }));
  sandbox.write("corpus.jsonl", `${lines.join("\n")}\n`);
});

afterEach(() => sandbox[Symbol.asyncDispose]());

const filter = { text: "forbidden", action: { type: "code", code: 1026 } } as const;
const rejectFault = { text: "broken", action: { type: "code", code: 2013 } } as const;

async function runWithFailures(format: string): Promise<void> {
  sandbox.simulator.configure({ faults: [filter, rejectFault] });
  const { code } = await sandbox.embed(["corpus.jsonl", "--out", "out", "--format", format]).exit;
  expect(code).toBe(1);
  expect(sandbox.manifest("out")).toMatchObject({
    state: "finished",
    failuresByKind: { "content-filter": 3, "invalid-request": 1 },
  });
}

test.each(["npy", "jsonl", "parquet"])(
  "failed items of a finished run are retried by kind, the others stay (%s)",
  async (format) => {
    await runWithFailures(format);
    const [name = ""] = sandbox.manifest("out").output.files.slice(-1);
    linkSync(sandbox.path("out", name), sandbox.path("kept"));
    const kept = readFileSync(sandbox.path("kept"));
    const before = sandbox.simulator.statistics();
    sandbox.simulator.configure({ faults: [rejectFault] });
    const first = await sandbox.run(["retry", "out", "--kind", "content-filter", "--workers", "1"]);
    expect(first.code).toBe(1);
    expect(first.stderr).not.toContain("any more");
    const after = sandbox.simulator.statistics();
    expect(after.texts - before.texts).toBe(3);
    expect(sandbox.manifest("out")).toMatchObject({
      state: "finished",
      items: { total: ITEMS, succeeded: ITEMS - 1, failed: 1, missing: 0 },
      failuresByKind: { "invalid-request": 1 },
    });
    expect(readJsonl(sandbox.path("out", "errors.jsonl"))).toMatchObject([{ id: "c-200", kind: "invalid-request" }]);

    sandbox.simulator.configure({ faults: [] });
    const { run } = sandbox.manifest("out");
    const second = await sandbox.run(["retry", run, "--workers", "1"]);
    expect({ code: second.code, texts: sandbox.simulator.statistics().texts - after.texts }).toEqual({
      code: 0,
      texts: 1,
    });
    expect(existsSync(sandbox.path("out", "errors.jsonl"))).toBe(false);
    expect(existsSync(sandbox.path("out", ".work"))).toBe(false);
    const ids = Array.from({ length: ITEMS }, (_, n) => `c-${n}`);
    if (format === "npy") {
      expect(readJsonl(sandbox.path("out", "items.jsonl")).map(({ id }) => id)).toEqual(ids);
      const { floats } = readNpy(sandbox.path("out", "vectors.npy"));
      const vectors = expectedVectors(ITEMS, (n) =>
        FILTERED.includes(n)
          ? `${buildCorpusText(n)} forbidden`
          : REFUSED.includes(n)
            ? `${buildCorpusText(n)} broken`
            : buildCorpusText(n),
      );
      expect(Buffer.compare(Buffer.from(floats.buffer), Buffer.from(vectors.buffer))).toBe(0);
    } else {
      const records =
        format === "jsonl"
          ? readJsonl(sandbox.path("out", "records.jsonl"))
          : await parquetReadObjects({
              file: await asyncBufferFromFile(sandbox.path("out", "records.parquet")),
            });
      expect(records.map(({ id }) => id)).toEqual(ids);
      expect(records.every(({ vector }) => (vector as number[]).length === 1536)).toBe(true);
      expect(records.every(({ status }) => status === "ok")).toBe(true);
    }
    // Readers of the previous output, and hard links to it, still see the previous contents.
    expect(readFileSync(sandbox.path("kept")).equals(kept)).toBe(true);
    const third = await sandbox.run(["retry", "out"]);
    expect(third).toMatchObject({ code: 0 });
    expect(third.stderr).toContain("nothing to retry");
  },
);

test("retry continues a cancelled run, and pays for nothing twice", async () => {
  sandbox.writeLimits({ requestsPerMinute: 100_000, concurrency: 1 });
  const release = sandbox.simulator.hold(5);
  const cli = sandbox.embed(["corpus.jsonl", "--out", "out", "--format", "npy", "--json"]);
  await cli.event(hasProgressedTo(0.1), "a tenth of the items");
  await sandbox.run(["cancel", "out"]);
  // Longer than the interval at which workers check the state of the run, for all remaining calls together.
  sandbox.simulator.configure({ latency: { fixedMs: 150 } });
  release();
  expect(await cli.exit).toMatchObject({ code: 1 });
  expect(sandbox.manifest("out").failuresByKind.cancelled).toBeGreaterThan(0);
  expect(await sandbox.run(["retry", "out", "--kind", "cancelled"])).toMatchObject({ code: 0 });
  expect(sandbox.simulator.statistics().texts).toBe(ITEMS);
  expect(sandbox.manifest("out")).toMatchObject({ items: { succeeded: ITEMS }, calls: { paidTwice: 0 } });
});

test("a retry that is killed is continued by the run's own command", async () => {
  await runWithFailures("jsonl");
  sandbox.simulator.configure({ faults: [{ action: { type: "stall" } }] });
  const { calls } = sandbox.simulator.statistics();
  const retry = sandbox.start(["retry", "out", "--workers", "1", "--json"]);
  await retry.event(() => sandbox.simulator.statistics().calls > calls, "a call");
  retry.killGroup("SIGKILL");
  await retry.exit;
  sandbox.simulator.configure({ faults: [] });
  expect(await sandbox.embed(["corpus.jsonl", "--out", "out", "--format", "jsonl"]).exit).toMatchObject({
    code: 0,
  });
  expect(sandbox.manifest("out").items).toMatchObject({ succeeded: ITEMS, failed: 0 });
});

test("an unfinished run is retried by text, which builds the search index", async () => {
  await runWithFailures("jsonl");
  sandbox.simulator.configure({ faults: [{ action: { type: "stall" } }] });
  const { calls } = sandbox.simulator.statistics();
  const retry = sandbox.start(["retry", "out", "--kind", "content-filter", "--workers", "1", "--json"]);
  await retry.event(() => sandbox.simulator.statistics().calls > calls, "a call");
  retry.killGroup("SIGKILL");
  await retry.exit;
  sandbox.simulator.configure({ faults: [] });
  expect(await sandbox.run(["retry", "out", "--text", "broken", "--workers", "1"])).toMatchObject({ code: 0 });
  expect(sandbox.manifest("out").items).toMatchObject({ succeeded: ITEMS, failed: 0 });
});

test.each([
  [["retry", "nowhere"], 'no run "nowhere"'],
  [["retry", "corpus.jsonl", "--kind", "tired"], "unknown kind"],
])("%j is rejected", async (args, message) => {
  const { code, stderr } = await sandbox.run(args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
