import type { CommandLine } from "#src/producer/runs/command-line.ts";
import { type CommandDefinition, formatOptionName } from "./options/command-definition.ts";
import { OPTION_GROUPS } from "./options/shared-options.ts";

const INPUT_GROUPS: readonly (string | undefined)[] = [
  OPTION_GROUPS.model,
  OPTION_GROUPS.input,
  OPTION_GROUPS.chunking,
];

/** A command line as a run records it. A run that is resumed must not be deleted, so --force is left out. */
export function describeCommandLine(
  { name, arguments: definitions, options }: CommandDefinition,
  args: readonly string[],
  values: readonly unknown[],
  parsed: Readonly<Record<string, unknown>>,
): CommandLine {
  const cwd = process.cwd();
  const inputOptions: Record<string, string> = { "the command": name, "the working directory": cwd };
  for (const [index, definition] of definitions.entries()) {
    inputOptions[`<${definition.name}>`] = [values[index]].flat().join(" ");
  }
  for (const [key, { group, isNegated = false }] of Object.entries(options)) {
    const value = parsed[key];
    if (!INPUT_GROUPS.includes(group) || value === undefined || value === isNegated) continue;
    inputOptions[formatOptionName(key, isNegated)] = typeof value === "boolean" ? "given" : `${value}` || "none";
  }
  const at = parsed.force === true ? args.indexOf("--force") : -1;
  return { args: args.filter((_, index) => index !== at), cwd, inputOptions };
}
