// Type tests: the type check fails when one of the lines below an "expect-error" comment compiles.
import { bindCommand } from "#src/cli/build-program.ts";
import { argument, defineCommand, flag, requiredValue, value, valueOr } from "#src/cli/options/command-definition.ts";
import { parsePositiveInteger } from "#src/cli/options/parse-option.ts";

const example = defineCommand({
  name: "example",
  group: "Operate",
  summary: "Show the types",
  description: "",
  arguments: [argument("file", "")],
  options: {
    model: requiredValue("provider/model", ""),
    limit: value("n", "", parsePositiveInteger),
    top: valueOr(5, "n", "", parsePositiveInteger),
    json: flag(""),
  },
  examples: [],
});

interface Options {
  readonly model: string;
  readonly limit?: number;
  readonly top: number;
  readonly json: boolean;
  readonly config?: string;
}

bindCommand(example, async () => async (_file: string, _options: Options) => 0);

// @ts-expect-error The definition has no option "force", which the action requires.
bindCommand(example, async () => async (_file: string, _options: Options & { force: boolean }) => 0);

// @ts-expect-error "limit" may be absent.
bindCommand(example, async () => async (_file: string, _options: { limit: number }) => 0);

// @ts-expect-error "top" is a number.
bindCommand(example, async () => async (_file: string, _options: { top: string }) => 0);

// @ts-expect-error The argument is one string, not a list.
bindCommand(example, async () => async (_files: string[], _options: Options) => 0);

// @ts-expect-error The command has one argument, and the action requires two.
bindCommand(example, async () => async (_file: string, _other: string, _options: Options) => 0);

// @ts-expect-error A default has the type of the option's parser.
valueOr("5", "n", "", parsePositiveInteger);

// @ts-expect-error A default other than text needs a parser.
valueOr(5, "n", "");
