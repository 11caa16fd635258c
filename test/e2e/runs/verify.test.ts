import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";

const texts = (count: number) =>
  Array.from({ length: count }, (_, i) => JSON.stringify({ id: `id-${i}`, text: `text number ${i}` })).join("\n");

test.each(["parquet", "jsonl", "npy"])("sluice verify proves the output of sluice embed (%s)", async (format) => {
  await using sandbox = await CliSandbox.open();
  sandbox.write("in.jsonl", texts(60));
  const run = await sandbox.embed(["in.jsonl", "--out", "out", "--format", format]).exit;
  expect(run).toMatchObject({ code: 0 });

  const proven = await sandbox.run(["verify", "out", "--source", "in.jsonl"]);
  expect(proven).toMatchObject({ code: 0, stderr: "" });
  expect(proven.stdout).toContain("rows     60: each is there exactly once, in order, and as it was written");
  expect(proven.stdout).toContain("sources  1 file");

  const [name = ""] = sandbox.manifest("out").output.files;
  const path = sandbox.path("out", name);
  const bytes = readFileSync(path);
  bytes[200] = (bytes[200] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  sandbox.write("in.jsonl", texts(61));
  const changed = await sandbox.run(["verify", "out", "--json", "--source", "in.jsonl"]);
  const report = JSON.parse(changed.stdout);
  expect(changed.code).toBe(1);
  expect(report).toMatchObject({ isProven: false, rows: 60 });
  expect(report.problems.map(({ file }: { file: string }) => file)).toEqual(expect.arrayContaining([name, "in.jsonl"]));
});

test("sluice verify proves the output of sluice batch, and names a changed answer", async () => {
  await using sandbox = await CliSandbox.open();
  const request = (i: number) => ({
    custom_id: `q-${i}`,
    method: "POST",
    url: "/v1/embeddings",
    body: { model: "minimax/embo-01", input: i % 3 === 0 ? [`a ${i}`, `b ${i}`] : `a ${i}` },
  });
  sandbox.write("in.jsonl", Array.from({ length: 30 }, (_, i) => JSON.stringify(request(i))).join("\n"));
  expect(await sandbox.run(["batch", "in.jsonl", "--out", "out"])).toMatchObject({ code: 0 });
  expect(await sandbox.run(["verify", "out", "--source", "in.jsonl"])).toMatchObject({ code: 0 });

  const path = sandbox.path("out", "output.jsonl");
  const lines = readFileSync(path, "utf8").split("\n");
  writeFileSync(path, lines.toSpliced(4, 1, (lines[4] ?? "").replace("0.", "0.1")).join("\n"));
  const changed = await sandbox.run(["verify", "out"]);
  expect(changed.code).toBe(1);
  expect(changed.stdout).toContain('output.jsonl:5 (request 4, "q-4"): the answer differs');
});

test("sluice verify refuses a folder that cannot be verified", async () => {
  await using sandbox = await CliSandbox.open();
  sandbox.write("empty/notes.txt", "");
  const refused = await sandbox.run(["verify", "empty"]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("contains no run: run.json not found");
});
