import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CliOptions, type CliResult, CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText } from "#test/support/runs/corpus.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

let sandbox: CliSandbox;
let folders = 0;

beforeAll(async () => {
  sandbox = await CliSandbox.open();
});

afterAll(async () => {
  await sandbox.waitUntilNoProcesses();
  await sandbox[Symbol.asyncDispose]();
});

function embed(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  folders += 1;
  return sandbox.embed([...args, "--out", `out-${folders}`, "--format", "jsonl"], options).exit;
}

/** Expects exit code 2, these texts on stderr, no stack trace, and no calls. */
async function expectRefused(
  args: readonly string[],
  words: readonly (string | RegExp)[],
  options: CliOptions = {},
): Promise<void> {
  const before = sandbox.simulator.statistics().calls;
  const { code, stderr } = await embed(args, options);
  for (const word of words) expect(stderr).toMatch(word);
  expect(stderr).not.toMatch(/\n\s+at .*\(/);
  expect(code).toBe(2);
  expect(sandbox.simulator.statistics().calls).toBe(before);
}

const good = (n: number) => JSON.stringify({ id: `g-${n}`, text: buildCorpusText(n) });

test("a missing path is reported", () => expectRefused(["no-such-folder"], ["no-such-folder"]));

test("an empty folder is reported", async () => {
  mkdirSync(sandbox.path("empty"));
  await expectRefused(["empty"], ["empty"]);
});

test.skipIf(process.getuid?.() === 0)("an unreadable file is reported", async () => {
  chmodSync(sandbox.write("secret.md", "text"), 0);
  await expectRefused(["secret.md"], ["secret.md"]);
});

test("a binary file is reported", async () => {
  sandbox.write("binary.txt", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1, 2, 0, 255]));
  await expectRefused(["binary.txt"], ["binary.txt"]);
});

test("invalid UTF-8 is reported with its line", async () => {
  sandbox.write(
    "latin.jsonl",
    Buffer.concat([Buffer.from(`${good(1)}\n{"text":"caf`), Buffer.from([0xe9]), Buffer.from('"}\n')]),
  );
  await expectRefused(["latin.jsonl"], [/latin\.jsonl:2/, /UTF-8/]);
});

test("bad JSONL lines are reported, and skipped with --skip-invalid", async () => {
  sandbox.write("bad.jsonl", `${good(1)}\n{"id": "x", "text"\n${good(2)}\n[1]\n{"id":"y"}\n{"id":"z","text":""}\n`);
  const words = [/bad\.jsonl:2/, /bad\.jsonl:4/, /bad\.jsonl:5/, /bad\.jsonl:6/, "--skip-invalid"];
  await expectRefused(["bad.jsonl"], words);
  const { stdout } = await embed(["bad.jsonl", "--json"]);
  const end = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
  expect(end).toMatchObject({ event: "run-end", message: "the input has 4 problems; nothing was sent" });
  expect(end.problems.map(({ where }: { where: string }) => where)).toEqual(
    [2, 4, 5, 6].map((line) => expect.stringMatching(`bad.jsonl:${line}$`)),
  );
  expect(await embed(["bad.jsonl", "--skip-invalid"])).toMatchObject({ code: 0 });
  expect(readJsonl(sandbox.path(`out-${folders}`, "records.jsonl")).map(({ id }) => id)).toEqual(["g-1", "g-2"]);
  expect(sandbox.manifest(`out-${folders}`).source.skippedInvalid).toBe(4);
});

test("a bad CSV line is reported", async () => {
  sandbox.write("bad.csv", 'id,text\na,"fine"\nb,"not closed\n');
  await expectRefused(["bad.csv"], [/bad\.csv:3/]);
});

test("a duplicate ID is reported with both locations", async () => {
  sandbox.write("twice.jsonl", `${good(1)}\n${good(2)}\n${good(1)}\n`);
  await expectRefused(["twice.jsonl"], [/twice\.jsonl:3/, /g-1/]);
});

test("a text over the model's limit is rejected with --no-chunk", async () => {
  sandbox.write("long.jsonl", `${good(1)}\n${JSON.stringify({ id: "long", text: "word ".repeat(9_000) })}\n`);
  await expectRefused(["long.jsonl", "--no-chunk"], [/long\.jsonl:2/, /4,?096/]);
  expect(await embed(["long.jsonl"])).toMatchObject({ code: 0 });
  expect(readJsonl(sandbox.path(`out-${folders}`, "records.jsonl")).length).toBeGreaterThan(5);
});

test("an unknown model is reported with similar names", async () => {
  sandbox.write("one.jsonl", `${good(1)}\n`);
  const args = ["embed", "one.jsonl", "--model", "minimax/embo-1", "--out", "x", "--dry-run"];
  const { code, stderr } = await sandbox.run(args);
  expect(code).toBe(0);
  expect(stderr).toContain("minimax/embo-1 is not in the list of models");
  expect(stderr).toContain("Similar names: minimax/embo-01");
});

test("a missing key is reported with its variable", () =>
  expectRefused(["one.jsonl"], ["MINIMAX_API_KEY"], { env: { MINIMAX_API_KEY: undefined } }));

test("invalid option values are reported with the expected values", async () => {
  for (const [option, value] of [
    ["--limit", "0"],
    ["--window", "many"],
    ["--workers", "-1"],
    ["--format", "xml"],
    ["--type", "both"],
    ["--chunk-tokens", "1.5"],
    ["--no-such-option", "1"],
  ] as const) {
    await expectRefused(["one.jsonl", option, value], [option]);
  }
  await expectRefused(["one.jsonl", "--chunk-tokens", "100", "--chunk-overlap", "100"], [/overlap/]);
});

test("an output folder that cannot be created is reported", async () => {
  sandbox.write("file", "a file");
  const { code, stderr } = await sandbox.embed(["one.jsonl", "--out", "file/below"]).exit;
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("file") });
  expect(stderr).not.toContain("unexpected");
});

test("all problems of the settings are reported together, without secrets", async () => {
  const env = { REDIS_URL: "htp://user:p4ssw0rd@x", SLUICE_LOG_LEVEL: "loud", MINIMAX_BASE_URL: "nowhere" };
  await expectRefused(["one.jsonl"], ["REDIS_URL", "SLUICE_LOG_LEVEL", "MINIMAX_BASE_URL"], { env });
  expect((await embed(["one.jsonl"], { env })).stderr).not.toContain("p4ssw0rd");
});

test("a damaged run.json is reported and not overwritten", async () => {
  sandbox.write("damaged/run.json", "{ half");
  const { code, stderr } = await sandbox.embed(["one.jsonl", "--out", "damaged"]).exit;
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("run.json") });
  expect(readFileSync(sandbox.path("damaged/run.json"), "utf8")).toBe("{ half");
});
