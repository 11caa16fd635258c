import { describe, expect, it, test } from "vitest";
import { COMMANDS } from "#src/cli/bind-commands.ts";
import { buildProgram, joinCommandName } from "#src/cli/build-program.ts";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";

/** The arguments of `sluice` in a command line of the help, without pipes, redirections and variables. */
function parseExample(example: string): string[] {
  const sluice = example.split(" | ").find((part) => / ?sluice /.test(part)) ?? "";
  const words: readonly string[] = sluice.replace(/ (?:<|>>?) \S+$/, "").match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  return words.slice(words.indexOf("sluice") + 1).map((word) => word.replaceAll(/['"]/g, ""));
}

/** Parses a command line with the real definitions, but runs nothing. */
async function parse(args: readonly string[]) {
  const calls: { name: string; values: readonly unknown[] }[] = [];
  const commands = COMMANDS.map(({ definition }) => ({
    definition,
    load:
      async () =>
      async (...values: readonly unknown[]) => {
        calls.push({ name: definition.name, values });
        return 7;
      },
  }));
  const codes: number[] = [];
  const program = buildProgram(commands, (code) => codes.push(code), { args, overrides: {} });
  for (const command of [program, ...program.commands]) command.configureOutput({ writeErr: () => undefined });
  await program.parseAsync(joinCommandName(commands, args), { from: "user" });
  return { calls, codes };
}

describe.each(COMMANDS.map(({ definition }) => definition))("sluice $name", ({ name, summary, examples }) => {
  it("has two to four examples that are valid command lines", async () => {
    expect(examples.length).toBeGreaterThanOrEqual(2);
    expect(examples.length).toBeLessThanOrEqual(4);
    for (const example of examples) {
      const { calls } = await parse(parseExample(example));
      expect(calls.map((call) => call.name)).toEqual([name]);
    }
  });

  it("has a summary of one line without a full stop", () => expect(summary).toMatch(/^[A-Z][^\n]*[^.\n]$/));
});

test("arguments and options reach the command with their types, and its exit code is reported", async () => {
  const args = [
    "embed",
    "a.md",
    "b.md",
    "--model",
    "m/x",
    "--out",
    "o",
    "--no-chunk",
    "--cache",
    "--cache-size",
    "2GB",
  ];
  const { calls, codes } = await parse(["--config", "my.yaml", ...args, "--max-cost", "0.5", "--chunk-overlap", "0"]);
  expect(calls).toEqual([
    {
      name: "embed",
      values: [
        ["a.md", "b.md"],
        {
          model: "m/x",
          type: "db",
          out: "o",
          format: "parquet",
          withText: false,
          idField: "id",
          textField: "text",
          chunkOverlap: 0,
          chunk: false,
          skipInvalid: false,
          maxCost: 0.5,
          keepDb: false,
          canaries: true,
          dryRun: false,
          force: false,
          offPeak: false,
          cache: true,
          cacheSize: 2e9,
          json: false,
          config: "my.yaml",
          commandLine: {
            args: ["--config", "my.yaml", ...args, "--max-cost", "0.5", "--chunk-overlap", "0"],
            cwd: process.cwd(),
            inputOptions: {
              "the command": "embed",
              "the working directory": process.cwd(),
              "<path>": "a.md b.md",
              "--model": "m/x",
              "--type": "db",
              "--id-field": "id",
              "--text-field": "text",
              "--chunk-overlap": "0",
              "--no-chunk": "given",
            },
          },
        },
      ],
    },
  ]);
  expect(codes).toEqual([7]);
});

test("a run does not record --force, which would delete it when it is resumed", async () => {
  const { calls } = await parse(["embed", "x", "--force", "--model", "m/x", "--out", "o"]);
  expect(calls[0]?.values[1]).toMatchObject({
    force: true,
    commandLine: { args: ["embed", "x", "--model", "m/x", "--out", "o"] },
  });
});

test.each([
  [["runs", "rm", "a", "b", "--json"], "runs rm", [["a", "b"]], { json: true, yes: false }],
  [["--config", "x.yaml", "runs", "clean", "--older-than", "7d"], "runs clean", [], { olderThan: 7 * 86_400_000 }],
  [["runs", "rename", "rm", "new"], "runs rename", ["rm", "new"], {}],
  [["runs", "./rm", "--json"], "runs", ["./rm"], { json: true }],
])("%j runs the command %s", async (args, name, values, options) => {
  const { calls } = await parse(args);
  expect(calls).toMatchObject([{ name, values: [...values, options] }]);
});

test("an absent optional argument and an absent option are undefined", async () => {
  const { calls } = await parse(["models"]);
  expect(calls).toMatchObject([{ name: "models", values: [undefined, { json: false }] }]);
  expect(calls[0]?.values[1]).not.toHaveProperty("refresh", true);
});

test.each([
  [["embed", "x", "--out", "o"], "--model"],
  [["embed", "x", "--out", "o", "--model", "m/x", "--format", "xml"], "xml"],
  [["search", "dir", "text", "--top", "0"], "whole number"],
  [["runs", "one", "two"], "too many arguments"],
  [["runs", "--jsno"], "--jsno"],
  [["embed", "x", "--out", "o", "--model", "m/x", "--name", "two words"], "letters"],
  [["embed", "x", "--out", "o", "--model", "m/x", "--name", "e-20261201-abcdefgh"], "looks like the id"],
  [["embed", "x", "--out", "o", "--model", "m/x", "--note", "two\nlines"], "one line"],
])("%j is refused", async (args, message) => {
  await expect(parse(args)).rejects.toThrow(message);
});

test("the help fits 80 columns and explains every exit code", () => {
  const { root, retry } = renderHelp();
  expect(root.split("\n").filter((line) => line.length > 80)).toEqual([]);
  for (const code of new Set(Object.values(EXIT_CODES))) expect(root).toMatch(new RegExp(`^ +${code} +[a-z]`, "m"));
  expect(retry).toContain("--lane");
});

test("retry accepts the status of a list, but does not offer one", async () => {
  const { calls } = await parse(["retry", "out", "--status", "failed"]);
  expect(calls[0]?.values[1]).toMatchObject({ status: "failed" });
  expect(renderHelp().retry).not.toContain("--status");
});

function renderHelp() {
  const program = buildProgram(
    COMMANDS.map(({ definition }) => ({ definition, load: async () => async () => 0 })),
    () => undefined,
  );
  let root = "";
  program.configureOutput({ writeOut: (text) => (root += text), getOutHelpWidth: () => 80 });
  program.outputHelp();
  const retry = program.commands.find((command) => command.name() === "retry")?.helpInformation() ?? "";
  return { root, retry };
}

test("the first word of commands with two words lists the second ones", () => {
  for (const args of [["keys"], ["keys", "--help"], ["help", "keys"], ["--config", "a.yaml", "keys", "remove"]]) {
    expect(() => joinCommandName(COMMANDS, args)).toThrow('"keys" needs a second word: create, list, revoke');
  }
  expect(joinCommandName(COMMANDS, ["runs", "--all"])).toEqual(["runs", "--all"]);
});
