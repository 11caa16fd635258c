import { createHash } from "node:crypto";
import { TemplateError } from "#src/evaluation/liquid-templates.ts";
import { readSource } from "#src/producer/input/read-source.ts";
import type { Finding, SourceFile } from "#src/producer/input/source.ts";
import type { ByteTap } from "#src/producer/input/source-bytes.ts";
import type { PromptTemplates } from "./prompt-templates.ts";
import type { EvaluationDataset } from "./spec/evaluation-spec.ts";

/** A row of a dataset that an evaluation uses. */
export interface DatasetRow {
  readonly id: string;
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly targets: readonly string[];
  readonly cluster: string | undefined;
  readonly groups: Readonly<Record<string, string>> | undefined;
  /** Why it cannot be used; empty for a good row. */
  readonly problems: readonly string[];
}

/** A row, or what is wrong with it, as a finding of the plan. */
export type RowFinding = { readonly row: DatasetRow } | Exclude<Finding, { readonly document: unknown }>;

const noTap: ByteTap = () => undefined;

/**
 * Reads the rows of a dataset in order, at most `limit` of them. With `shuffle`, the file is read twice, and the rows are those
 * whose id and seed have the lowest hashes: the same ones wherever they are in the file.
 */
export async function* readRows(
  dataset: EvaluationDataset,
  file: SourceFile,
  tap: ByteTap,
  templates: PromptTemplates,
): AsyncGenerator<readonly RowFinding[]> {
  const { limit = Number.POSITIVE_INFINITY, shuffle } = dataset;
  const isChosen = shuffle === undefined ? () => true : await chooseRows(dataset, file, shuffle, limit);
  let rows = 0;
  for await (const findings of readSource(file, { idField: dataset.id, textField: undefined }, tap)) {
    const group: RowFinding[] = [];
    for (const finding of findings) {
      if (!("document" in finding)) {
        group.push(finding);
        continue;
      }
      const { id, line = 0, metadata = {} } = finding.document;
      if (rows >= limit || !isChosen(id)) continue;
      rows += 1;
      group.push({ row: toRow(dataset, { id, line, fields: toPlainFields(metadata) }, templates) });
    }
    yield group;
    if (rows >= limit) return;
  }
}

async function chooseRows(
  { id }: EvaluationDataset,
  file: SourceFile,
  seed: number,
  limit: number,
): Promise<(id: string) => boolean> {
  const hash = (row: string) => createHash("sha256").update(`${seed}:${row}`).digest().readUIntBE(0, 6);
  const hashes: number[] = [];
  for await (const findings of readSource(file, { idField: id, textField: undefined }, noTap))
    for (const finding of findings) if ("document" in finding) hashes.push(hash(finding.document.id));
  if (hashes.length <= limit) return () => true;
  const highest = Float64Array.from(hashes).sort()[limit - 1] ?? 0;
  return (row) => hash(row) <= highest;
}

function toRow(
  dataset: EvaluationDataset,
  { id, line, fields }: Pick<DatasetRow, "id" | "line" | "fields">,
  templates: PromptTemplates,
): DatasetRow {
  const wanted = [...(dataset.cluster === undefined ? [] : [dataset.cluster]), ...dataset.groups];
  const missing = wanted.filter((field) => isMissing(fields[field]));
  const targets = readTargets(dataset.target, fields, templates);
  const groups = dataset.groups.map((field) => [field, toText(fields[field])] as const);
  return {
    id,
    line,
    fields,
    targets: targets.found ?? [],
    problems: [...new Set([...missing.map((field) => describeMissing(field, fields)), ...(targets.problems ?? [])])],
    cluster: dataset.cluster === undefined ? undefined : toText(fields[dataset.cluster]),
    groups: groups.length === 0 ? undefined : Object.fromEntries(groups),
  };
}

function readTargets(
  target: EvaluationDataset["target"],
  fields: DatasetRow["fields"],
  templates: PromptTemplates,
):
  | { readonly found: readonly string[]; readonly problems?: undefined }
  | { readonly found?: undefined; readonly problems: readonly string[] } {
  if (target === undefined) return { found: [] };
  if (typeof target === "string" && /\{\{|\{%/.test(target)) {
    try {
      return { found: [templates.render(target, fields)] };
    } catch (error) {
      if (error instanceof TemplateError) return { problems: [error.message] };
      throw error;
    }
  }
  const names = typeof target === "string" ? [target] : target;
  const missing = names.filter((name) => isMissing(fields[name]));
  if (missing.length > 0) return { problems: missing.map((name) => describeMissing(name, fields)) };
  const found = names.flatMap((name) => {
    const value = fields[name];
    return Array.isArray(value) ? value.map(toText) : [toText(value)];
  });
  return { found };
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null;
}

function describeMissing(field: string, fields: DatasetRow["fields"]): string {
  const names = Object.keys(fields);
  const shown = names.slice(0, 12).map((name) => JSON.stringify(name.slice(0, 40)));
  return `the row has no field ${JSON.stringify(field)}; it has ${shown.join(", ")}${names.length > 12 ? `, and ${names.length - 12} more` : ""}`;
}

function toText(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function toPlainFields(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, toPlain(value)]));
}

/** Numbers as JavaScript has them if that keeps their digits, otherwise as text: templates show both alike. */
function toPlain(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (JSON.isRawJSON(value)) {
    const { rawJSON } = value;
    return String(Number(rawJSON)) === rawJSON ? Number(rawJSON) : rawJSON;
  }
  if (Array.isArray(value)) return value.map(toPlain);
  return typeof value === "object" && value !== null ? toPlainFields({ ...value }) : value;
}
