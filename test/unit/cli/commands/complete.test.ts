import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, expect, it, vi } from "vitest";
import { COMMANDS } from "#src/cli/bind-commands.ts";
import { BASH_SCRIPT } from "#src/cli/commands/complete/bash-script.ts";
import { createCompletion } from "#src/cli/commands/complete/complete-words.ts";

afterEach(() => vi.restoreAllMocks());

const values = {
  models: [{ value: "minimax/embo-01", description: "model" }],
  providers: [{ value: "minimax", description: "provider" }],
  runs: [{ value: "e-20261201-abcdefgh", description: "/data/vectors" }],
};

/** What `sluice complete --` prints, with descriptions and the directive for the shell. */
function printed(...words: string[]): string[] {
  const lines: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => lines.push(...String(text).trimEnd().split("\n")) > 0);
  createCompletion(
    COMMANDS.map(({ definition }) => definition),
    values,
  ).parse(words);
  return lines;
}

function complete(...words: string[]): string[] {
  return printed(...words)
    .map((line) => line.split("\t")[0] ?? "")
    .filter((line) => !line.startsWith(":"));
}

it("lets the shell complete files where there is nothing to offer", () => {
  expect(printed("embed", "docs/")).toEqual([":0"]);
  expect(printed("embed", "docs", "--out", "")).toEqual([":0"]);
  expect(printed("em").at(-1)).toBe(":4");
});

it.each([
  ["sluice embed --model mini", "minimax/embo-01 minimax:b/embo-01"],
  ["sluice set-limit minimax:b/e", "b/embo-01"],
  ["sluice pause ", "minimax/embo-01 minimax:b/embo-01 --model"],
])("Bash, without other packages, completes %j with %j", async (line, expected) => {
  const answer = "printf '%s\\t%s\\n' minimax/embo-01 model minimax:b/embo-01 lane --model 'name of the model' :4";
  const commands = [
    `sluice() { [ "$1 $2" = "complete --" ] && ${answer}; }`,
    BASH_SCRIPT,
    BASH_SCRIPT,
    `COMP_LINE=$1 COMP_POINT=\${#1}`,
    `__sluice_complete && echo "\${COMPREPLY[@]}"`,
  ];
  const args = ["--norc", "-c", commands.join("\n"), "bash", line];
  const { stdout, stderr } = await promisify(execFile)("bash", args);
  expect({ stdout, stderr }).toEqual({ stdout: `${expected}\n`, stderr: "" });
});

it.each([
  [["em"], ["embed"]],
  [["embed", "--dim"], ["--dimensions"]],
  [["embed", "docs", "--model", "mini"], ["minimax/embo-01"]],
  [["embed", "docs", "--format", "j"], ["jsonl"]],
  [["ping", ""], ["minimax/embo-01"]],
  [["models", ""], ["minimax"]],
  [["retry", ""], ["e-20261201-abcdefgh"]],
  [["pause", "e-"], ["e-20261201-abcdefgh"]],
  [["runs", "re"], ["rename"]],
  [["runs", "rm", "--out"], ["--outputs"]],
  [["runs", "rm", "e-20261201-abcdefgh", "e-"], ["e-20261201-abcdefgh"]],
  [["complete", "z"], ["zsh"]],
])("completes %j with %j", (words, expected) => {
  expect(complete(...words)).toEqual(expected);
});
