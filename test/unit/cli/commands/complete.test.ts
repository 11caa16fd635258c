import { afterEach, expect, it, vi } from "vitest";
import { COMMANDS } from "#src/cli/bind-commands.ts";
import { createCompletion } from "#src/cli/commands/complete/complete-words.ts";

afterEach(() => vi.restoreAllMocks());

const values = {
  models: [{ value: "minimax/embo-01", description: "model" }],
  providers: [{ value: "minimax", description: "provider" }],
  runs: [{ value: "e-20261201-abcdefgh", description: "/data/vectors" }],
};

function complete(...words: string[]): string[] {
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  createCompletion(
    COMMANDS.map(({ definition }) => definition),
    values,
  ).parse(words);
  return lines.map((line) => line.split("\t")[0] ?? "").filter((line) => !line.startsWith(":"));
}

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
