import { existsSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, relative, resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import { type Config, loadConfig } from "#src/config/config.ts";
import { InputError } from "#src/core/failures/errors.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { readRecords } from "#src/producer/run-kinds/evaluation/import/read-records.ts";
import type { StarterRow } from "#src/producer/run-kinds/evaluation/starter/dataset-fields.ts";
import { formatSpec } from "#src/producer/run-kinds/evaluation/starter/format-spec.ts";
import { GuessError, guessSpec } from "#src/producer/run-kinds/evaluation/starter/guess-spec.ts";

const ROWS_READ = 100;
const DEFAULT_MODEL = "zhipu/glm-4-plus";

export interface InitSpecOptions {
  readonly config: string | undefined;
  readonly models: readonly string[] | undefined;
  readonly force: boolean;
}

/** `sluice eval --init`: writes a spec for a dataset, unless there is one. */
export async function initSpec(dataset: string, file: string, options: InitSpecOptions): Promise<number> {
  const path = resolve(file);
  if (existsSync(path) && !options.force) throw CLI_ERRORS.settingsExist(file);
  const config = loadConfig({ file: options.config });
  const models = options.models ?? [findDefaultModel(config)];
  for (const model of models) config.registry.findModel(model, "chat");
  const rows = await readFirstRows(dataset);
  const guess = guessRows(rows, dataset);
  const text = formatSpec({
    ...{ ...guess, models, rows: rows.length },
    name: basename(dataset, extname(dataset)),
    path: relative(dirname(path), resolve(dataset)),
  });
  writeFileSync(path, text);
  process.stdout.write(
    [`wrote ${file}: ${guess.reason}`, `Next, see what it costs: ${SUGGESTED_COMMANDS.evalDryRun(file)}`, ""].join(
      "\n",
    ),
  );
  return EXIT_CODES.ok;
}

function guessRows(rows: readonly StarterRow[], dataset: string) {
  try {
    return guessSpec(rows);
  } catch (error) {
    if (!(error instanceof GuessError)) throw error;
    const fields = Object.keys(rows[0] ?? {}).map((name) => JSON.stringify(name.slice(0, 40)));
    throw new InputError(`${error.message}. Its fields are ${fields.slice(0, 20).join(", ")}`, dataset);
  }
}

/** Rejects with an InputError that names the file, and the line if it is one. */
async function readFirstRows(dataset: string): Promise<StarterRow[]> {
  const read = await readRecords(dataset, ROWS_READ);
  if ("problem" in read) throw new InputError(read.problem, read.where);
  if (read.records.length === 0) throw new InputError("contains no rows with fields", dataset);
  return read.records.map(({ fields }) => fields);
}

/** The first chat model of the first provider with credentials. */
function findDefaultModel({ registry, accounts }: Config): string {
  for (const { name } of registry.providers) {
    if (accounts(name).length === 0) continue;
    const model = registry.listModels(name).find(({ kind, retired }) => kind === "chat" && retired === undefined);
    if (model) return `${name}/${model.name}`;
  }
  return DEFAULT_MODEL;
}
