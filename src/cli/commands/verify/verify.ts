import { resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatDuration } from "#src/cli/format/format-duration.ts";
import { formatBytes, formatCount, formatMany } from "#src/cli/format/format-number.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { removeLeftWorkFolder } from "#src/producer/runs/finish-run.ts";
import { isBatch } from "#src/producer/runs/run-manifest.ts";
import { type VerifyReport, verifyOutput } from "#src/producer/verify/verify-output.ts";
import type { VerifyProblem } from "#src/producer/verify/verify-problems.ts";
import type { verifyCommand } from "./definition.ts";

/** `sluice verify`: compares an output with the digests in its folder. */
export async function runVerify(dir: string, options: OptionValues<typeof verifyCommand>): Promise<number> {
  const folder = resolve(dir);
  const startedAt = performance.now();
  const sources = options.source && { paths: options.source, cwd: process.cwd() };
  const report = await verifyOutput(folder, { sources });
  const durationMs = performance.now() - startedAt;
  if (report.manifest?.state === "finished") await removeLeftWorkFolder(folder, report.manifest);
  process.stdout.write(
    options.json ? formatJson(folder, report, durationMs) : formatReport(folder, report, durationMs),
  );
  return report.problemCount === 0 ? EXIT_CODES.ok : EXIT_CODES.differs;
}

function formatJson(dir: string, report: VerifyReport, durationMs: number): string {
  const { manifest, bytes, rows, sources, problems, problemCount } = report;
  const { run, model, digests } = manifest ?? {};
  const isProven = problemCount === 0;
  const files = digests?.files;
  return `${JSON.stringify({ isProven, dir, run, model, files, bytes, rows, sources, problemCount, problems, durationMs })}\n`;
}

function formatReport(dir: string, report: VerifyReport, durationMs: number): string {
  const { manifest, problems, problemCount } = report;
  const lines = [manifest ? `${manifest.run}  ${manifest.model}  ${dir}` : dir];
  if (problemCount === 0) return `${[...lines, ...describeProof(report, durationMs)].join("\n")}\n`;
  const noun = manifest && isBatch(manifest) ? "request" : "item";
  lines.push(`${formatMany(problemCount, "problem")}: the output is not what the run wrote`);
  lines.push(...problems.map((problem) => `  ${describeProblem(problem, noun)}`));
  if (problemCount > problems.length) lines.push(`  and ${formatCount(problemCount - problems.length)} more`);
  return `${lines.join("\n")}\n`;
}

function describeProof({ manifest, bytes, rows = 0, sources }: VerifyReport, durationMs: number): string[] {
  if (!manifest) return [];
  const { items, source, digests } = manifest;
  const seconds = Math.max(durationMs, 1) / 1_000;
  const speed = `${formatCount(Math.round(rows / seconds))} rows/s, ${formatBytes(bytes / seconds)}/s`;
  return [
    `files    ${formatMany(digests?.files.length ?? 0, "file")}, ${formatBytes(bytes)}: size and SHA-256 match; run.json is unchanged`,
    `rows     ${formatCount(rows)}: each is there exactly once, in order, and as it was written`,
    `items    ${formatCount(items.total)}: ${formatCount(items.succeeded)} succeeded, ${formatCount(items.failed)} failed`,
    sources
      ? `sources  ${formatMany(sources.files, "file")}, ${formatBytes(sources.bytes)}: they match`
      : `sources  not compared (--source); the run read SHA-256 ${source.sha256}`,
    `proven in ${formatDuration(durationMs)} (${speed})`,
  ];
}

/** "records.jsonl:58 (item 57, "a/b.md#3"): the vector differs" */
function describeProblem({ file, row, index, id, message }: VerifyProblem, noun: string): string {
  const isText = file.endsWith(".jsonl");
  const place = row === undefined ? "" : isText ? `:${row + 1}` : ` row ${row}`;
  const item = [index === undefined ? [] : `${noun} ${index}`, id === undefined ? [] : JSON.stringify(id)].flat();
  const about = item.length > 0 ? ` (${sanitize(item.join(", "))})` : "";
  return `${sanitize(file)}${place}${about}: ${sanitize(message)}`;
}
