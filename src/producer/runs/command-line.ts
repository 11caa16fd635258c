import { existsSync } from "node:fs";
import * as z from "zod";
import { readProperty, writeProperty } from "#src/producer/storage/properties.ts";
import { getRunDatabasePath, openRunDatabase, openRunDatabaseReader } from "#src/producer/storage/run-database.ts";

export const commandLine = z.object({
  /** Arguments of `sluice`, as typed, without --force. No option takes a secret; keys come from the environment. */
  args: z.array(z.string()),
  /** Working directory, absolute: paths, .env, and sluice.yaml are relative to it. */
  cwd: z.string(),
  /** The options that decide which items the run has, as parsed: "--chunk-tokens" to "512". */
  inputOptions: z.record(z.string(), z.string()),
});

/** How a run was started last. */
export type CommandLine = z.infer<typeof commandLine>;

/** The command line that started the unfinished run in `dir`; undefined if it is not known. Throws a RunError for a damaged database. */
export function readCommandLine(dir: string): CommandLine | undefined {
  if (!existsSync(getRunDatabasePath(dir))) return undefined;
  const database = openRunDatabaseReader(dir);
  try {
    return readProperty(database, "command", commandLine);
  } finally {
    database.close();
  }
}

/** Records the command line of the planned run in `dir`, which the caller has locked. */
export function writeCommandLine(dir: string, value: CommandLine): void {
  const { database } = openRunDatabase(dir);
  try {
    writeProperty(database, "command", value);
  } finally {
    database.close();
  }
}

/** One clause for each option that differs: name, old value, and new value. Pure. */
export function listOptionDifferences(before: CommandLine, now: CommandLine): string[] {
  const names = [...new Set([...Object.keys(before.inputOptions), ...Object.keys(now.inputOptions)])];
  const differing = names.filter((name) => before.inputOptions[name] !== now.inputOptions[name]);
  const show = (value: string | undefined) => value ?? "not given";
  return differing.map(
    (name) => `${name} was ${show(before.inputOptions[name])}, and is now ${show(now.inputOptions[name])}`,
  );
}
