import { expect, test } from "vitest";
import { embedText, toFloats } from "#src/simulator/answers/embed-text.ts";
import type { SimulatorSettingsPatch } from "#src/simulator/settings.ts";
import { CANARY_TEXT } from "#src/workers/canaries/judge-canary.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

/** 600 calls of ten texts, in which one worker sends four canaries. */
const ITEMS = 6_000;
const WORDS = "about the rivers and hills of a small country in spring ".repeat(3);
const text = (i: number) => `text number ${i} ${WORDS}`;

type Faults = NonNullable<SimulatorSettingsPatch["faults"]>;

async function openSandbox(faults: Faults = []) {
  const sent = { texts: 0, canaries: 0, tokens: 0 };
  const sandbox = await CliSandbox.open({
    canaries: true,
    vectors: "fixed",
    faults,
    onCall: ({ texts, tokens }) => {
      sent.tokens += tokens;
      sent.texts += texts.length;
      sent.canaries += texts.filter((each) => each === CANARY_TEXT).length;
    },
  });
  const lines = Array.from({ length: ITEMS }, (_, i) => JSON.stringify({ id: `id-${i}`, text: text(i) }));
  sandbox.write("in.jsonl", lines.join("\n"));
  const embed = (...more: string[]) =>
    sandbox.embed(["in.jsonl", "--out", "out", "--format", "npy", "--workers", "1", ...more]).exit;
  return { sandbox, sent, embed };
}

test("canaries of a healthy provider all match, also if its vectors are slightly noisy, and cost less than 0.1 %", async () => {
  const { sandbox, sent, embed } = await openSandbox([
    { action: { type: "vectors", defect: "noisy" }, probability: 0.2 },
  ]);
  await using _ = sandbox;
  const { code, stderr } = await embed();
  expect(code).toBe(0);
  const { canaries, items, tokens } = sandbox.manifest("out");
  expect(items).toMatchObject({ total: ITEMS, succeeded: ITEMS });
  expect(canaries).toEqual({ sent: sent.canaries, mismatches: 0 });
  expect(sent.canaries).toBeGreaterThan(2);
  expect(sent.canaries * 15).toBeLessThan(tokens / 1_000);
  expect(stderr).toContain("canaries sent, all matched");
  expect(sent.texts).toBe(ITEMS + sent.canaries);
  expect(await sandbox.run(["verify", "out"])).toMatchObject({ code: 0 });
});

test("--no-canaries sends none", async () => {
  const { sandbox, sent, embed } = await openSandbox();
  await using _ = sandbox;
  expect(await embed("--no-canaries")).toMatchObject({ code: 0 });
  expect(sent.canaries).toBe(0);
  expect(sandbox.manifest("out").canaries).toBeUndefined();
});

test.each<[string, Faults[number]["action"]]>([
  ["mixes up the vectors of a call", { type: "vectors", defect: "swapped" }],
  ["returns the vectors of other inputs", { type: "vectors", defect: "neighbor" }],
  ["changes its model", { type: "vectors", defect: "other-model" }],
])("a provider that %s in the middle of the run is reported, and the run resumes", async (_, action) => {
  const { sandbox, sent, embed } = await openSandbox([{ action, after: 200 }]);
  await using __ = sandbox;
  const stopped = await embed();
  expect(stopped.code).toBe(2);
  expect(stopped.stderr).toContain("canary: the vector of a known text is not the one that it had before");
  expect(stopped.stderr).toMatch(
    /All records since the last canary that matched \(.*\) are suspect, among them the items \d/,
  );
  expect(stopped.stderr).toContain("embed everything again with --force");
  const { canaries } = sandbox.manifest("out");
  expect(canaries).toMatchObject({ sent: sent.canaries });
  expect(canaries?.mismatches).toBeGreaterThanOrEqual(2);

  sandbox.simulator.configure({ faults: [] });
  expect(await embed()).toMatchObject({ code: 0 });
  expect(sandbox.manifest("out").items).toMatchObject({ total: ITEMS, succeeded: ITEMS, failed: 0 });
  expect(sandbox.manifest("out").tokens).toBe(sent.tokens);
});

test("a single call with swapped vectors is made again and paid, and its vectors are not recorded", async () => {
  const { sandbox, sent, embed } = await openSandbox();
  await using _ = sandbox;
  const model = {
    price: { inputPerMillionTokens: 1_000_000, currency: "CNY" },
    limits: { requestsPerMinute: 100_000 },
  };
  sandbox.write("sluice.yaml", JSON.stringify({ providers: { minimax: { models: { "embo-01": model } } } }));
  sandbox.simulator.configure({
    vectors: "meaningful",
    faults: [{ action: { type: "vectors", defect: "swapped" }, text: CANARY_TEXT, after: 1, calls: 1 }],
  });
  expect(await embed("--format", "jsonl", "--limit", "2000")).toMatchObject({ code: 0 });
  const { canaries, tokens, cost } = sandbox.manifest("out");
  expect(canaries).toMatchObject({ mismatches: 1 });
  // The call whose answer was discarded is paid, too.
  expect(tokens).toBe(sent.tokens);
  expect(cost).toEqual({ amount: tokens, currency: "CNY" });
  for (const line of readJsonl(sandbox.path("out", "records.jsonl")) as unknown as {
    index: number;
    vector: number[];
  }[]) {
    const expected = toFloats(embedText(text(line.index)));
    if (!Buffer.from(Float32Array.from(line.vector).buffer).equals(Buffer.from(expected.buffer)))
      throw new Error(`item ${line.index} has a wrong vector`);
  }
});
