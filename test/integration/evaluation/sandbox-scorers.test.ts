import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createScorerRegistry, type ScorerRegistry } from "#src/evaluation/scorers/registry.ts";
import { createSample } from "#test/support/evaluation/create-sample.ts";

let folder: string;
let registry: ScorerRegistry;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "scorers-"));
  registry = createScorerRegistry({ baseDir: folder });
});

afterEach(async () => {
  await registry.close();
  await rm(folder, { recursive: true });
});

function create(type: string, options: object) {
  const { scorer, problems } = registry.create("s", type, options);
  if (!scorer) throw new Error(JSON.stringify(problems));
  return (text: string, targets: string[] = [], fields = {}, signal?: AbortSignal) =>
    scorer.score(createSample(text, targets, fields), signal);
}

/** Needs longer than anyone can wait for texts such as "aaaa...b". */
const CATASTROPHIC = "(a+)+$";
const TRAP = `${"a".repeat(60)}b`;

test("a pattern that does not end fails alone", async () => {
  const score = create("pattern", { pattern: CATASTROPHIC, timeLimit: 2, group: 0 });
  expect(await score("aaa", ["aaa"])).toMatchObject({ status: "scored", value: 1 });
  const [stuck, next] = await Promise.all([score(TRAP, ["a"]), score("aa", ["aa"])]);
  expect(stuck).toEqual({ status: "error", explanation: "the pattern was stopped: it took longer than 2 s" });
  expect(next).toMatchObject({ status: "scored", value: 1 });
});

test("a cancelled run stops its pattern", async () => {
  const score = create("pattern", { pattern: CATASTROPHIC, timeLimit: 600 });
  const controller = new AbortController();
  const stuck = score(TRAP, ["a"], {}, controller.signal);
  controller.abort(new Error("cancelled"));
  await expect(stuck).rejects.toThrow("cancelled");
  await expect(score("a", ["a"], {}, controller.signal)).rejects.toThrow("cancelled");
});

test("a pattern reads groups by number, name, and position", async () => {
  expect(await create("pattern", { pattern: "x=(\\d+)" })("x=1 x=2", ["1"])).toMatchObject({ value: 1, answer: "1" });
  expect(await create("pattern", { pattern: "x=(\\d+)", position: "last" })("x=1 x=2", ["2"])).toMatchObject({
    value: 1,
  });
  expect(await create("pattern", { pattern: "(?<k>x)=(\\d+)", group: "k" })("x=1", ["X"])).toMatchObject({ value: 1 });
  expect(await create("pattern", { pattern: "x=(\\d+)", mode: "matches" })("y", [])).toMatchObject({ value: 0 });
  expect(await create("pattern", { pattern: "x=(\\d+)" })("y", ["1"])).toMatchObject({ status: "unparseable" });
});

test("invalid patterns and groups are problems of their options", () => {
  expect(registry.create("s", "pattern", { pattern: "(" }).problems).toMatchObject([{ path: ["pattern"] }]);
  expect(registry.create("s", "pattern", { pattern: "(a)", group: 2 }).problems).toEqual([
    { path: ["group"], message: "the pattern has no group 2" },
  ]);
  expect(registry.create("s", "pattern", { pattern: "(?<a>.)", group: "b" }).problems).toMatchObject([
    { path: ["group"] },
  ]);
});

test("javascript: numbers, booleans, objects, and null", async () => {
  expect(await create("javascript", { code: "output.length / 10" })("abcd")).toEqual({ status: "scored", value: 0.4 });
  expect(await create("javascript", { code: "output === context.targets[0]" })("a", ["a"])).toMatchObject({ value: 1 });
  expect(
    await create("javascript", { code: "const x = context.vars.x; return { pass: x > 1, reason: 'why' };" })("a", [], {
      x: 2,
    }),
  ).toEqual({
    status: "scored",
    value: 1,
    explanation: "why",
  });
  expect(await create("javascript", { code: "null" })("a")).toMatchObject({ status: "unparseable" });
  expect(await create("javascript", { code: "'text'" })("a")).toMatchObject({ status: "error" });
});

test("javascript: a module, also in TypeScript", async () => {
  await writeFile(join(folder, "score.ts"), "export default (output: string): number => output.length;");
  expect(await create("javascript", { file: "score.ts" })("abc")).toEqual({ status: "scored", value: 3 });
  expect(registry.create("s", "javascript", { file: "none.ts" }).problems).toEqual([
    { path: ["file"], message: `no such file: ${join(folder, "none.ts")}` },
  ]);
  expect(registry.create("s", "javascript", {}).problems).toMatchObject([{ path: ["file"] }]);
});

test("javascript: an item that throws, hangs, exits, or exhausts memory fails alone", async () => {
  const code = `
    if (output === "throw") throw new RangeError("bad");
    if (output === "hang") for (;;);
    if (output === "wait") await new Promise(() => {});
    if (output === "exit") process.exit(0);
    if (output === "heap") { const all = []; for (;;) all.push(new Array(1000).fill(output + all.length)); }
    if (output === "buffer") { const all = []; for (;;) { all.push(Buffer.alloc(10_000_000, 1)); await null; } }
    return 1;`;
  const score = create("javascript", { code, timeLimit: 60, memoryLimit: 64 });
  const texts = ["fine", "throw", "fine", "exit", "fine", "heap", "fine"];
  const scores = await Promise.all(texts.map((text) => score(text)));
  expect(scores.map(({ status }) => status)).toEqual(texts.map((text) => (text === "fine" ? "scored" : "error")));
  expect(scores[1]).toEqual({ status: "error", explanation: "the function threw RangeError: bad" });
  expect(scores[5]).toEqual({
    status: "error",
    explanation: "the function was stopped: it needed more than 64 MB of memory",
  });
  expect(await score("buffer")).toMatchObject({ status: "error" });
  const impatient = create("javascript", { code, timeLimit: 2 });
  expect(await impatient("fine")).toMatchObject({ value: 1 });
  for (const text of ["hang", "wait"])
    expect(await impatient(text)).toEqual({
      status: "error",
      explanation: "the function was stopped: it took longer than 2 s",
    });
  expect(await impatient("fine")).toMatchObject({ value: 1 });
});

test("javascript: user code gets the given environment only", async () => {
  expect(
    await create("javascript", {
      code: "Object.keys(process.env).filter((name) => name !== 'NODE_CHANNEL_FD' && !name.startsWith('NODE_')).length",
    })("a"),
  ).toEqual({
    status: "scored",
    value: 1,
  });
});

test("executable: the last line is the score", async () => {
  const script =
    'read -r input; echo "log"; case "$input" in *good*) echo \'{"value":0.5,"answer":"g"}\';; *) echo "no json";; esac';
  const score = create("executable", { command: ["sh", "-c", script] });
  expect(await score("good")).toEqual({ status: "scored", value: 0.5, answer: "g" });
  expect(await score("bad")).toMatchObject({ status: "error" });
});

test("executable: failures, time, and missing commands are errors of the item", async () => {
  expect(await create("executable", { command: ["sh", "-c", "echo why >&2; exit 3"] })("a")).toEqual({
    status: "error",
    explanation: "the command ended with 3: why",
  });
  expect(await create("executable", { command: ["sh", "-c", "sleep 600 & sleep 600"], timeLimit: 0.2 })("a")).toEqual({
    status: "error",
    explanation: "the command took longer than 0.2 s",
  });
  expect(await create("executable", { command: ["no-such-command"] })("a")).toMatchObject({ status: "error" });
});

const HUMAN_EVAL = {
  prompt: 'def add(a, b):\n    """Add."""\n',
  test: "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(-1, 1) == 0\n",
  entry_point: "add",
};

test("code: tests of a Python function, from complete code or from the rest of a function", async () => {
  const score = create("code", {});
  expect(await score("```python\ndef add(a, b):\n    return a + b\n```", [], HUMAN_EVAL)).toMatchObject({
    status: "scored",
    value: 1,
  });
  expect(await score("    return a + b\n", [], HUMAN_EVAL)).toMatchObject({ status: "scored", value: 1 });
  expect(await score("    return a - b\n", [], HUMAN_EVAL)).toMatchObject({
    status: "scored",
    value: 0,
    explanation: "AssertionError",
  });
  expect(await score("def add(a, b):", [], HUMAN_EVAL)).toMatchObject({ status: "scored", value: 0 });
  expect(await score("    return a + b\n", [], {})).toMatchObject({ status: "error" });
});

test("code: code that exits early, hangs, or exhausts memory is wrong", async () => {
  expect(await create("code", {})("import sys\nsys.exit(0)\ndef add(a, b): return 0", [], HUMAN_EVAL)).toMatchObject({
    value: 0,
  });
  expect(await create("code", { timeLimit: 0.5 })("def add(a, b):\n    while True: pass", [], HUMAN_EVAL)).toEqual({
    status: "scored",
    value: 0,
    explanation: "the tests took longer than 0.5 s",
  });
  expect(
    await create("code", { memoryLimit: 64 })("def add(a, b):\n    return len('a' * 10**9)", [], HUMAN_EVAL),
  ).toMatchObject({ value: 0 });
});

test("code: JavaScript may neither write files nor start processes", async () => {
  const score = create("code", { language: "javascript" });
  const fields = { test: "if (add(1, 2) !== 3) throw new Error('wrong sum');" };
  expect(await score("const add = (a, b) => a + b;", [], fields)).toMatchObject({ value: 1 });
  expect(await score("const add = (a, b) => a - b;", [], fields)).toMatchObject({ value: 0 });
  const file = join(folder, "x");
  const write = `require("node:fs").writeFileSync(${JSON.stringify(file)}, "x"); const add = (a, b) => a + b;`;
  expect(await score(write, [], fields)).toMatchObject({ value: 0 });
  expect(existsSync(file)).toBe(false);
});
