import { rename, rm, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import { type CompareEvaluationsOptions, compareEvaluations } from "#src/evaluation/compare/compare-evaluations.ts";
import {
  type ReportEvaluation,
  type ReportHead,
  type ReportRow,
  reportResultsSchema,
} from "#src/evaluation/report/report-data.ts";
import { REPORT_ELEMENTS } from "#src/evaluation/report/report-elements.ts";
import { REPORT_LIMITS, RowSelection } from "#src/evaluation/report/row-selection.ts";
import { JsonlFile } from "#src/producer/output/jsonl-file.ts";
import { EVALUATION_FILES } from "#src/producer/output/result-writer.ts";
import { readEvaluation, readStoredResults } from "#src/producer/run-kinds/evaluation/read-evaluation.ts";
import { systemDisk, toDiskError } from "#src/producer/storage/disk.ts";
import { QuestionReader } from "./read-questions.ts";
import { readReportRows, toReportRow } from "./read-report-rows.ts";
import { readReportTemplate } from "./report-template.ts";

export interface WriteReportOptions {
  readonly language: ReportHead["language"];
  /** How several evaluations are compared. */
  readonly comparison: CompareEvaluationsOptions;
  /** Version that writes the report. */
  readonly sluice: string;
  readonly now: number;
  readonly signal?: AbortSignal;
  readonly limits?: { readonly rows: number; readonly bytes: number };
}

/** Rows per compressed block. */
const ROWS_PER_BLOCK = 250;

/**
 * Writes a report about the evaluations in `dirs` to `path`, in constant memory for one evaluation. Several are compared with the
 * first one. Rejects with an InputError for a damaged or incomplete folder, and with a RunError if the report cannot be written.
 */
export async function writeReport(
  dirs: readonly string[],
  path: string,
  options: WriteReportOptions,
): Promise<ReportHead["rows"]> {
  const [before, after] = await readReportTemplate();
  const evaluations = await readEvaluations(dirs);
  const compared = dirs.length < 2 ? undefined : await compareFolders(dirs, evaluations, options);
  const { language, sluice, now, signal } = options;
  const selection = await selectRows(dirs, evaluations, options);
  const temporary = `${path}.tmp`;
  try {
    const file = await JsonlFile.create(systemDisk, temporary);
    let rows: ReportHead["rows"];
    try {
      await file.addText(before);
      rows = await writeRows(dirs, { file, selection, signal });
      const createdAt = new Date(now).toISOString();
      const head: ReportHead = { createdAt, sluice, language, evaluations, compared, rows };
      await writeElement(file, `id="${REPORT_ELEMENTS.head}"`, head);
      await file.addText(after);
      await file.finish();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    return rows;
  } catch (error) {
    await rm(temporary, { force: true });
    if (errorCode(error) === "EISDIR") throw new RunError(`${path} is a folder`, "Name a file with --out.", error);
    throw errorCode(error) === undefined ? error : toDiskError(error, path);
  }
}

async function readEvaluations(dirs: readonly string[]): Promise<ReportEvaluation[]> {
  const names = dirs.map((dir) => basename(resolve(dir)));
  return await Promise.all(
    dirs.map(async (dir, i) => {
      const name = names[i] ?? dir;
      const results = await readStoredResults(dir, reportResultsSchema);
      return {
        // Whole paths only where names are ambiguous: a report is passed on.
        folder: names.filter((other) => other === name).length > 1 ? dir : name,
        results: {
          ...results,
          spec: { ...results.spec, path: basename(results.spec.path) },
          datasets: results.datasets.map((dataset) => ({ ...dataset, path: basename(dataset.path) })),
        },
      };
    }),
  );
}

async function compareFolders(
  dirs: readonly string[],
  evaluations: readonly ReportEvaluation[],
  { comparison }: WriteReportOptions,
): Promise<ReportHead["compared"]> {
  const stored = await Promise.all(
    dirs.map(async (dir, i) => ({ ...(await readEvaluation(dir)), dir: evaluations[i]?.folder ?? dir })),
  );
  const [baseline, ...others] = stored;
  return baseline && compareEvaluations(baseline, others, comparison);
}

/** Reads everything a first time only if it may be too large for a report. */
async function selectRows(
  dirs: readonly string[],
  evaluations: readonly ReportEvaluation[],
  { limits = REPORT_LIMITS, signal }: WriteReportOptions,
): Promise<RowSelection> {
  const selection = new RowSelection();
  const files = await Promise.all(dirs.map((dir) => stat(join(dir, EVALUATION_FILES.samples))));
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const rows = evaluations.flatMap(({ results }) => results.datasets).reduce((sum, { items }) => sum + items, 0);
  if (bytes <= limits.bytes && rows <= limits.rows) return selection;
  for (const dir of dirs) {
    for await (const { key, samples, chars } of readReportRows(dir)) {
      signal?.throwIfAborted();
      selection.add(key, samples, chars);
    }
  }
  selection.choose(limits);
  return selection;
}

async function writeRows(
  dirs: readonly string[],
  {
    file,
    selection,
    signal,
  }: { readonly file: JsonlFile; readonly selection: RowSelection; readonly signal: AbortSignal | undefined },
): Promise<ReportHead["rows"]> {
  let [total, included] = [0, 0];
  let block: ReportRow[] = [];
  for (const [evaluation, dir] of dirs.entries()) {
    using questions = QuestionReader.open(dir);
    for await (const row of readReportRows(dir)) {
      signal?.throwIfAborted();
      total += 1;
      if (!selection.has(row.key)) continue;
      included += 1;
      block.push(toReportRow(row, evaluation, questions));
      if (block.length < ROWS_PER_BLOCK) continue;
      await writeElement(file, REPORT_ELEMENTS.rows, block);
      block = [];
    }
  }
  if (block.length > 0) await writeElement(file, REPORT_ELEMENTS.rows, block);
  return { total, included };
}

async function writeElement(file: JsonlFile, attribute: string, data: unknown): Promise<void> {
  const compressed = await promisify(gzip)(JSON.stringify(data));
  await file.addText(`<script type="${REPORT_ELEMENTS.type}" ${attribute}>`);
  await file.addText(compressed.toString("base64"));
  await file.addText("</script>\n");
}
