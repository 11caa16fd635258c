import { join, resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { requireEvaluation, scoreInFolder } from "#src/cli/wiring/evaluation/score-in-folder.ts";
import { loadConfig } from "#src/config/config.ts";
import { EVALUATION_FILES } from "#src/producer/output/result-writer.ts";
import { readSpec } from "#src/producer/run-kinds/evaluation/spec/read-spec.ts";
import type { scoreCommand } from "./definition.ts";
import { scoreRetrieval } from "./score-retrieval.ts";

/** `sluice score` */
export async function runScore(folder: string, options: OptionValues<typeof scoreCommand>): Promise<number> {
  const config = loadConfig({ file: options.config });
  const dir = resolve(folder);
  const { qrels } = options;
  if (qrels !== undefined) return await scoreRetrieval(dir, { ...options, qrels });
  await requireEvaluation(dir);
  const spec = readSpec(options.spec ?? join(dir, EVALUATION_FILES.spec), { registry: config.registry });
  await scoreInFolder(dir, spec, { json: options.json, config });
  return EXIT_CODES.ok;
}
