import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { expect, it, test } from "vitest";
import { COMMANDS } from "#src/cli/bind-commands.ts";
import { buildProgram, joinCommandName } from "#src/cli/build-program.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";

/** The words that a shell makes of a command line. */
function splitInShell(commandLine: string): string[] {
  const printed = execFileSync("sh", ["-c", `printf '%s\\0' ${commandLine}`], { encoding: "utf8" });
  return printed.split("\0").slice(0, -1);
}

/** Parses a command line with the real definitions, but runs nothing. Resolves with the values that the command gets. */
async function parse(args: readonly string[]): Promise<{ name: string; values: readonly unknown[] } | undefined> {
  let called: { name: string; values: readonly unknown[] } | undefined;
  const commands = COMMANDS.map(({ definition }) => ({
    definition,
    load:
      async () =>
      async (...values: readonly unknown[]) => {
        called = { name: definition.name, values };
        return 0;
      },
  }));
  const program = buildProgram(commands, () => undefined);
  for (const command of [program, ...program.commands]) command.configureOutput({ writeOut: () => undefined });
  await program.parseAsync(joinCommandName(commands, args), { from: "user" }).catch((error) => {
    if (error.code !== "commander.helpDisplayed") throw error;
  });
  return called;
}

const HOSTILE = ["./vectors", "/a b/it's", '$(touch x) "q"', "a\nb; rm", "漢字"];

it.each(Object.entries(SUGGESTED_COMMANDS))("%s is a valid command line, whatever it names", async (key, create) => {
  for (const value of HOSTILE) {
    if (key === "help") continue;
    const [program, name, ...args] = splitInShell(create(value));
    expect(program).toBe("sluice");
    expect(await parse([name ?? "", ...args])).toMatchObject({ name: expect.stringMatching(`^${name}`) });
    if (create.length > 0) expect(args).toContain(value);
  }
});

test("the help of every command is a valid command line", async () => {
  const names = [undefined, ...COMMANDS.map(({ definition }) => definition.name)];
  for (const name of names) await parse(splitInShell(SUGGESTED_COMMANDS.help(name)).slice(1));
});

test("no other file spells a command line", () => {
  const names = COMMANDS.map(({ definition }) => definition.name).join("|");
  const spelled = new RegExp(`["'\`\\s]sluice (?:(?:${names})\\b|--)`);
  const files = globSync("src/**/*.{ts,tsx}").filter((file) => !/suggested-commands|definition\.ts$/.test(file));
  const found = files.flatMap((file) => {
    const code = readFileSync(file, "utf8").replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    return code
      .split("\n")
      .filter((line) => spelled.test(line))
      .map((line) => `${file}: ${line.trim()}`);
  });
  expect(found).toEqual([]);
});
