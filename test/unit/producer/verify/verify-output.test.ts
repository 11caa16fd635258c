import { cp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sealText } from "#src/producer/runs/sealed-text.ts";
import { verifyOutput } from "#src/producer/verify/verify-output.ts";
import { temporaryFolder } from "#test/unit/producer/storage/support/sample-records.ts";
import { OUTPUT_KINDS, type OutputKind, type SampleOutputOptions, writeSampleOutput } from "./support/sample-output.ts";

const refusalOf = (dir: string) =>
  verifyOutput(dir).then(
    () => "verified",
    (error: Error) => error.message,
  );

async function sampleOutput(kind: OutputKind, options?: SampleOutputOptions): Promise<string> {
  const dir = await temporaryFolder();
  await writeSampleOutput(dir, kind, options);
  return dir;
}

const describeProblems = async (dir: string) =>
  (await verifyOutput(dir)).problems.map(
    ({ file, row, index, id, message }) => `${file} ${row ?? "-"} ${index ?? "-"} ${id ?? "-"}: ${message}`,
  );

describe.each(OUTPUT_KINDS)("an output (%s)", (kind) => {
  test.each<[string, SampleOutputOptions]>([
    ["with failed items", {}],
    ["without failed items", { hasFailures: false }],
    ["without texts", { withText: false }],
    ["without any item", { items: 0 }],
    ["of several blocks of digests", { items: 5_000, dimensions: 3 }],
    ["of files that are large enough to be hashed in a thread", { items: 6_000, dimensions: 750, hasFailures: false }],
  ])("is proven as it was written: %s", async (_, options) => {
    const dir = await sampleOutput(kind, options);
    const report = await verifyOutput(dir);
    expect(report).toMatchObject({ problems: [], problemCount: 0, rows: options.items ?? 40 });
  });

  test("is not proven with any of its bytes changed", async () => {
    const dir = await sampleOutput(kind);
    for (const name of await readdir(dir)) {
      const path = join(dir, name);
      const bytes = await readFile(path);
      const step = Math.max(1, Math.floor(bytes.length / 25));
      for (let at = bytes.length % 7; at < bytes.length; at += step) {
        const changed = Buffer.from(bytes);
        changed[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
        await writeFile(path, changed);
        const outcome = await verifyOutput(dir).then(
          ({ problems }) => problems.map(({ file }) => file),
          (error: Error) => [error.name],
        );
        expect(outcome, `byte ${at} of ${name}`).toContain(outcome.includes("RunError") ? "RunError" : name);
      }
      await writeFile(path, bytes);
    }
    expect((await verifyOutput(dir)).problemCount).toBe(0);
  });

  test("is not proven with a file that is missing, truncated, longer, or of another output", async () => {
    const dir = await sampleOutput(kind);
    const other = await sampleOutput(kind, { items: 30 });
    for (const name of (await readdir(dir)).filter((found) => found !== "run.json")) {
      const copy = join(await temporaryFolder(), "copy");
      await cp(dir, copy, { recursive: true });
      const path = join(copy, name);
      const bytes = await readFile(path);
      await rm(path);
      expect(await describeProblems(copy)).toContain(`${name} - - -: the file is missing`);
      await writeFile(path, bytes);
      await truncate(path, bytes.length - 1);
      const expected = `${bytes.length - 1} bytes instead of ${bytes.length}`;
      expect(await describeProblems(copy)).toContainEqual(expect.stringContaining(expected));
      await writeFile(path, Buffer.concat([bytes, Buffer.from("\n")]));
      expect((await verifyOutput(copy)).problemCount).toBeGreaterThan(0);
      await cp(join(other, name), path);
      expect((await verifyOutput(copy)).problemCount).toBeGreaterThan(0);
    }
  });

  test("is not proven with an edited run.json", async () => {
    const dir = await sampleOutput(kind);
    const path = join(dir, "run.json");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace('"tokens": 0', '"tokens": 1'));
    expect(await describeProblems(dir)).toEqual(["run.json - - -: the file was changed after the run wrote it"]);
  });
});

test.each(["parquet", "jsonl", "npy"] as const)("metadata may have any key (%s)", async (kind) => {
  const metadata = JSON.parse('{"__proto__":{"a":1},"vector":[1],"text":"x"}');
  const dir = await sampleOutput(kind, { metadata });
  expect(await describeProblems(dir)).toEqual([]);
});

test("a folder that cannot be verified is refused with the reason", async () => {
  const dir = await sampleOutput("jsonl");
  const path = join(dir, "run.json");
  const { sha256: _, digests, ...manifest } = JSON.parse(await readFile(path, "utf8"));
  const write = (json: unknown) => writeFile(path, JSON.stringify(json, null, 2));
  await write({ ...manifest, digests, state: "stopped" });
  expect(await refusalOf(dir)).toBe(`the run in ${dir} is stopped`);
  await write(manifest);
  expect(await refusalOf(dir)).toContain("recorded no digests; it cannot be verified");
  await write({});
  expect(await refusalOf(dir)).toContain("not the manifest of a run");
  await writeFile(path, sealText(JSON.stringify({ ...manifest, version: 9, digests }, null, 2)));
  expect(await refusalOf(dir)).toContain("not the manifest of a run");
  await writeFile(path, sealText(JSON.stringify(manifest, null, 2)));
  expect(await refusalOf(dir)).toContain("recorded no digests; it cannot be verified");
  await rm(path);
  expect(await refusalOf(dir)).toContain("contains no run: run.json not found");
  expect(await refusalOf(join(dir, "records.jsonl"))).toContain("contains no run");
});

test("a file of another format beside the output is reported", async () => {
  const dir = await sampleOutput("jsonl");
  await writeFile(join(dir, "vectors.npy"), "");
  await writeFile(join(dir, "notes.txt"), "mine");
  expect(await describeProblems(dir)).toEqual(["vectors.npy - - -: the file is not part of the output of this run"]);
});
