import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

const ITEMS = 60;
let redis: TestRedis;
let sandbox: CliSandbox;

beforeEach(async () => {
  redis = openTestRedis();
  sandbox = await CliSandbox.open({ env: { REDIS_URL: inject("redisUrl"), SLUICE_NAMESPACE: redis.namespace } });
  const lines = Array.from({ length: ITEMS }, (_, n) =>
    JSON.stringify({
      id: `c-${n}`,
      text: `${n % 2 ? "我们的数据库超时了" : "the annual report"} ${n}${n % 10 === 0 ? " forbidden" : n % 10 === 5 ? " broken" : ""}`,
      page: n % 7,
    }),
  );
  sandbox.write("corpus.jsonl", `${lines.join("\n")}\n`);
});

afterEach(async () => {
  await sandbox[Symbol.asyncDispose]();
  await redis.cleanup();
});

const forbidden = { text: "forbidden", action: { type: "code", code: 1026 } } as const;
const broken = { text: "broken", action: { type: "code", code: 2013 } } as const;

async function listIds(...args: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await sandbox.run(["items", "out", ...args]);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line).id);
}

test("items are found by content, status, and SQL, exported, and all matching failures are retried", async () => {
  sandbox.simulator.configure({ faults: [forbidden, broken] });
  expect((await sandbox.embed(["corpus.jsonl", "--out", "out", "--format", "jsonl"]).exit).code).toBe(1);

  const numbers = (matches: (n: number) => boolean) =>
    Array.from({ length: ITEMS }, (_, n) => n).flatMap((n) => (matches(n) ? `c-${n}` : []));
  expect(await listIds()).toEqual(numbers(() => true));
  expect(await listIds("--text", "数据库", "--limit", "3")).toEqual(["c-1", "c-3", "c-5"]);
  expect(await listIds("--status", "failed", "--kind", "content-filter")).toEqual(numbers((n) => n % 10 === 0));
  expect(await listIds("--text", "annual REP*", "--metadata", "page=3", "--sort", "index:desc")).toEqual(
    numbers((n) => n % 2 === 0 && n % 7 === 3).toReversed(),
  );
  expect(await listIds("--where", "status = 'failed' AND text LIKE '%broken'")).toEqual(numbers((n) => n % 10 === 5));
  expect(await listIds("--id", "c-7")).toEqual(["c-7"]);

  const csv = await sandbox.run(["items", "out", "--id-contains", "c-5", "--export", "found.csv"]);
  expect(csv.stderr).toBe(`11 items written to ${sandbox.path("found.csv")}\n`);
  expect(readFileSync(sandbox.path("found.csv"), "utf8").split("\r\n")[1]).toMatch(
    /^5,c-5,failed,.*invalid-request.*"\{""page"":5\}",我们的数据库超时了 5 broken,$/,
  );
  await sandbox.run(["items", "out", "--status", "failed", "--export", "failed.jsonl"]);
  expect(readJsonl(sandbox.path("failed.jsonl"))).toHaveLength(12);
  expect(readJsonl(sandbox.path("failed.jsonl"))[0]).toMatchObject({
    ...{ index: 0, id: "c-0", status: "failed", metadata: { page: 0 }, text: "the annual report 0 forbidden" },
    failure: { kind: "content-filter" },
  });

  sandbox.simulator.configure({ faults: [] });
  const before = sandbox.simulator.statistics();
  expect((await sandbox.run(["retry", "out", "--text", "数据库 broken", "--workers", "1"])).code).toBe(1);
  expect(sandbox.simulator.statistics().texts - before.texts).toBe(6);
  expect(await listIds("--status", "failed")).toEqual(numbers((n) => n % 10 === 0));
  const nothing = await sandbox.run(["retry", "out", "--text", "broken"]);
  expect(nothing.stderr).toContain("has no failed items that match: nothing to retry");
  expect((await sandbox.run(["retry", "out", "--where", '"index" < 31', "--workers", "1"])).code).toBe(1);
  expect(sandbox.manifest("out").items).toMatchObject({ succeeded: ITEMS - 2, failed: 2 });
});

test("without a database, and for filters that are not valid, the command says what to do", async () => {
  expect((await sandbox.embed(["corpus.jsonl", "--out", "out"]).exit).code).toBe(0);
  const missing = await sandbox.run(["items", "out"]);
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("--keep-db")]);
  expect((await sandbox.embed(["corpus.jsonl", "--out", "kept", "--keep-db"]).exit).code).toBe(0);
  for (const [args, message] of [
    [["--where", "1; DROP TABLE items"], '--where: the expression contains ";"'],
    [["--where", "missing_column = 1"], "no such column: missing_column"],
    [["--tokens", "a"], "expected a number, or a range"],
    [["--status", "done"], 'unknown status "done": expected waiting, ok, failed'],
    [["--sort", "size"], 'unknown order "size"'],
    [["--text", "-"], "contains no word"],
    [["--export", "x.txt"], "must end in .jsonl or .csv"],
  ] as const) {
    const { code, stdout, stderr } = await sandbox.run(["items", "kept", ...args]);
    expect(stderr).toContain(message);
    expect([code, stdout]).toEqual([2, ""]);
  }
  const refused = await sandbox.run(["retry", "kept", "--status", "ok"]);
  expect(refused.stderr).toContain('items with status "ok" cannot be retried');
});
