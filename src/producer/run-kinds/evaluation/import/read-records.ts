import { listSources } from "#src/producer/input/list-sources.ts";
import { formatLocation } from "#src/producer/input/source.ts";
import { PromptTemplates } from "#src/producer/run-kinds/evaluation/prompt-templates.ts";
import { readRows } from "#src/producer/run-kinds/evaluation/read-rows.ts";

export interface FoundRecord {
  readonly fields: Readonly<Record<string, unknown>>;
  /** File and line. */
  readonly where: string;
}

/** The records of a JSONL, JSON, CSV, TSV, or Parquet file, or the first problem with its place. */
export async function readRecords(
  path: string,
  limit?: number,
): Promise<{ readonly records: readonly FoundRecord[] } | { readonly problem: string; readonly where: string }> {
  const { files, problems } = await listSources({ paths: [path], cwd: process.cwd() });
  const [problem] = problems;
  if (problem) return { problem: problem.message, where: problem.where };
  const [file] = files;
  if (file === undefined || files.length > 1) return { problem: "expected one file", where: path };
  const dataset = { name: "records", path: file.path, id: "", target: undefined, groups: [], limit };
  const records: FoundRecord[] = [];
  for await (const findings of readRows(dataset, file, () => undefined, new PromptTemplates()))
    for (const finding of findings) {
      if ("problem" in finding) return { problem: finding.problem.message, where: finding.problem.where };
      if ("row" in finding)
        records.push({ fields: finding.row.fields, where: formatLocation(file.displayPath, finding.row.line) });
    }
  return { records };
}
