import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { stringify } from "yaml";
import { describeReadError } from "#src/core/describe-path.ts";
import { ConfigError } from "#src/core/failures/errors.ts";
import { SpecProblems } from "#src/producer/run-kinds/evaluation/spec/spec-problems.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";
import { UnknownModelError } from "#src/providers/unknown-model-error.ts";
import { isHostedEvals, translateHostedEval } from "./hosted-evals.ts";
import { isOpenaiEvals, translateOpenaiEvals } from "./openai-evals.ts";
import { ID, isPromptfoo, translatePromptfoo } from "./promptfoo.ts";
import { asRecord, type ForeignFile, type Translation } from "./translation.ts";

export interface ImportOptions {
  readonly registry: ProviderRegistry;
  /** Replace those of the file. */
  readonly models: readonly string[] | undefined;
  /** Goes on without what cannot run. */
  readonly skipInvalid: boolean;
  /** Folder for the specs that files are translated to. */
  readonly target: string;
}

export interface ImportedSpec {
  /** Of a spec of ours; the given file itself if it is one. */
  readonly path: string;
  readonly isForeign: boolean;
  /** What was left out, each with file, line, and path. */
  readonly skipped: readonly string[];
}

/** By the contents of a file; undefined for a spec of ours. */
function findTranslator(
  content: Readonly<Record<string, unknown>>,
): ((file: ForeignFile) => Translation | Promise<Translation>) | undefined {
  if ("datasets" in content) return undefined;
  if (isHostedEvals(content)) return translateHostedEval;
  if (isPromptfoo(content)) return translatePromptfoo;
  return isOpenaiEvals(content) ? translateOpenaiEvals : undefined;
}

/**
 * Translates a configuration of promptfoo, an eval of OpenAI's hosted service, or a registry of openai/evals to a spec with a dataset.
 * The same contents give the same files, so that a run can be resumed. Rejects with a ConfigError with all that cannot run, each
 * with file, line, and path, unless it may be skipped.
 */
export async function importSpec(
  file: string,
  { registry, models, skipInvalid, target }: ImportOptions,
): Promise<ImportedSpec> {
  const path = resolve(file);
  const own = { path, isForeign: false, skipped: [] };
  const source = readSpecText(path, file);
  const problems = new SpecProblems(file, source);
  const content = asRecord(problems.content);
  const translate = content && findTranslator(content);
  if (!content || !translate) return own;
  const found: string[] = [];
  const translation = await translate({
    content,
    folder: dirname(path),
    name: basename(path, extname(path)),
    problems: {
      add: (at, message) => void found.push(problems.describe(at, message)),
      addAt: (where, message) => void found.push(`${where}: ${message}`),
    },
    models,
    findModel: (name) => findChatModel(registry, name),
  });
  const skipped = [...new Set(found)];
  if (skipped.length > 0 && !skipInvalid)
    throw new ConfigError([...skipped, `${file}: not everything can run; --skip-invalid goes on without it`]);
  requireContent(translation, file, skipped);
  return { path: writeSpec(translation, target), isForeign: true, skipped };
}

/** Throws a ConfigError if nothing is left to run. */
function requireContent({ content, rows }: Translation, file: string, skipped: readonly string[]): void {
  const empty = ["prompts", "models", "scorers"].filter(
    (section) => Object.keys({ ...asRecord(content) }).length === 0 || isEmpty(content[section]),
  );
  if (rows?.length === 0) empty.push("tests");
  if (empty.length > 0) throw new ConfigError([...skipped, `${file}: no ${empty.join(", ")} that can run`]);
}

function isEmpty(value: unknown): boolean {
  return typeof value !== "object" || value === null || Object.keys(value).length === 0;
}

function writeSpec({ content, rows }: Translation, target: string): string {
  const dataset = rows && `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`;
  const hash = createHash("sha256")
    .update(JSON.stringify([content, dataset]))
    .digest("hex")
    .slice(0, 16);
  const folder = join(target, hash);
  mkdirSync(folder, { recursive: true });
  const datasets = rows ? { datasets: [{ path: "tests.jsonl", id: ID }] } : {};
  if (dataset !== undefined) writeFileSync(join(folder, "tests.jsonl"), dataset);
  writeFileSync(join(folder, "spec.yaml"), stringify({ ...content, ...datasets }, { lineWidth: 0 }));
  return join(folder, "spec.yaml");
}

function readSpecText(path: string, label: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError([`${relative(process.cwd(), path) || label}: cannot be read: ${describeReadError(error)}`]);
  }
}

function findChatModel(registry: ProviderRegistry, name: string): string | undefined {
  try {
    const found = registry.findModel(name, "chat");
    return `${found.provider}/${found.model.name}`;
  } catch (error) {
    if (error instanceof UnknownModelError) return undefined;
    throw error;
  }
}
