import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Complete, RootCommand, ShellCompDirective } from "@bomb.sh/tab";
import { type CommandDefinition, formatOptionName } from "#src/cli/options/command-definition.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { type Config, loadConfig } from "#src/config/config.ts";
import { createKeys } from "#src/redis/keys.ts";
import { listRuns } from "#src/state/runs/run-list.ts";
import { SHELLS } from "./definition.ts";

/** Somebody waits for the shell: completions without runs are better than none. */
const MAX_WAIT_MS = 1_500;

/** A value that a command completes, and what the shell shows next to it. */
export interface CompletionValue {
  readonly value: string;
  readonly description: string;
}

/** What options and arguments are completed with. */
export interface CompletionValues {
  readonly models: readonly CompletionValue[];
  readonly providers: readonly CompletionValue[];
  readonly runs: readonly CompletionValue[];
}

/** `sluice complete -- WORDS`: prints the completions of the last word. Prints nothing about errors. */
export async function completeWords(
  definitions: readonly CommandDefinition[],
  words: readonly string[],
): Promise<void> {
  const takesRun = definitions.some(
    ({ name, arguments: args }) => isPrefix(name, words) && args.some((arg) => arg.name === "run"),
  );
  const config = readConfig();
  const values: CompletionValues = {
    models: config?.registry.listModelNames().map((value) => ({ value, description: "model" })) ?? [],
    providers: config?.registry.providers.map(({ name }) => ({ value: name, description: "provider" })) ?? [],
    runs: config && takesRun ? await readRuns(config) : [],
  };
  createCompletion(definitions, values).parse([...words]);
}

/** Prints what the library would, but lets the shell complete files where there is nothing to offer. */
function printCompletions({ completions }: RootCommand, word: string): void {
  const start = word.slice(word.indexOf("=") + 1);
  const offered = new Map(completions.map(({ value, description }) => [value, description]));
  const matching = [...offered].filter(([value]) => value.startsWith(start));
  const lines = matching.map(([value, description = ""]) => `${value}\t${description}`);
  const { ShellCompDirectiveDefault, ShellCompDirectiveNoFileComp } = ShellCompDirective;
  lines.push(`:${lines.length > 0 ? ShellCompDirectiveNoFileComp : ShellCompDirectiveDefault}`);
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** The commands with their options and arguments, in the form of the completion library. Pure. */
export function createCompletion(definitions: readonly CommandDefinition[], values: CompletionValues): RootCommand {
  const root = new RootCommand();
  // Private, but the library has no other way to print another directive.
  Reflect.set(root, "complete", (word: string) => printCompletions(root, word));
  const offer = (offered: readonly CompletionValue[]) => (complete: Complete) => {
    for (const { value, description } of offered) complete(value, description);
  };
  const byPlaceholder: Readonly<Record<string, readonly CompletionValue[]>> = {
    "provider/model": values.models,
    lane: values.models,
    provider: values.providers,
    run: values.runs,
    shell: SHELLS.map((value) => ({ value, description: "shell" })),
  };
  root.option("config", "settings file to read instead of ./sluice.yaml", () => undefined);
  for (const { name, summary, options, arguments: args } of definitions) {
    const command = root.command(name, summary);
    for (const [key, option] of Object.entries(options)) {
      if (option.isHidden) continue;
      const long = formatOptionName(key, option.isNegated).slice(2);
      const choices = option.choices?.map((value) => ({ value, description: "" }));
      const offered = choices ?? byPlaceholder[option.placeholder ?? ""] ?? [];
      if (option.placeholder === undefined) command.option(long, option.description);
      else command.option(long, option.description, offer(offered));
    }
    for (const { name: argument, arity } of args) {
      command.argument(argument, offer(byPlaceholder[argument] ?? []), arity === "variadic");
    }
  }
  return root;
}

function isPrefix(name: string, words: readonly string[]): boolean {
  return name.split(" ").every((word, at) => word === words[at]);
}

function readConfig(): Config | undefined {
  try {
    return loadConfig();
  } catch {
    return undefined;
  }
}

/** The ids of the latest runs. A private Redis is not created for this. */
async function readRuns(config: Config): Promise<CompletionValue[]> {
  if (config.redisUrl === undefined && !existsSync(join(config.home, ".sluice", "redis"))) return [];
  const read = async () => {
    const redis = await openConfiguredRedis(config);
    try {
      const runs = await listRuns(redis.source.connect("commands"), createKeys(config.namespace));
      const ids = runs.map(({ run, dir = "" }) => ({ value: run, description: dir }));
      return [
        ...ids,
        ...runs.flatMap(({ run, name = [] }) => [name].flat().map((value) => ({ value, description: run }))),
      ];
    } finally {
      await redis.close();
    }
  };
  return await Promise.race([read().catch(() => []), sleep(MAX_WAIT_MS, [], { ref: false })]);
}
