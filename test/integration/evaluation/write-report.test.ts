import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ReportHead, ReportRow } from "#src/evaluation/report/report-data.ts";
import { writeReport } from "#src/producer/run-kinds/evaluation/report/write-report.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-report-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const HOSTILE = "</script><script>window.__executed=1</script>\u2028";
const ESTIMATE = { mean: 0.5, standardError: 0.1, interval: { low: 0.3, high: 0.7 } };

/** The folder of an evaluation whose rows have these scores. */
function writeFolder(name: string, values: readonly number[], sha256 = "0".repeat(64)): string {
  const folder = join(dir, name);
  mkdirSync(folder);
  const key = { dataset: "d", prompt: "default", model: "p/m" };
  const lines = values.map((value, i) => {
    const place = { id: `${i} | p/m`, item: `${i}`, ...key, cluster: `${i}`, groups: {}, targets: ["7"], sample: 1 };
    const scores = { accuracy: { status: "scored", value, answer: "7" } };
    return `${JSON.stringify({ ...place, status: "answered", text: HOSTILE, finishReason: "stop", scores })}\n`;
  });
  writeFileSync(join(folder, "samples.jsonl"), lines.join(""));
  const samples = { total: values.length, answered: values.length, refused: 0, failed: 0 };
  const results = {
    ...{ version: 1, name: HOSTILE, run: "b-1", sluice: "0.2.0", scoredWith: { sluice: "0.2.0", node: "24.0.0" } },
    ...{ scoredAt: "2026-12-01T00:00:00.000Z", spec: { path: "/home/somebody/spec.yaml", sha256 }, samples: 1 },
    datasets: [{ name: "d", path: "/home/somebody/d.jsonl", sha256, bytes: 10, items: values.length }],
    prompts: [{ name: "default", sha256 }],
    parameters: [{ label: "p/m", model: "p/m", parameters: {} }],
    ...{ scorers: { accuracy: { type: "exact" } }, reduce: "mean", confidence: 0.95, comparisons: [], activeMs: 1 },
    models: [{ label: "p/m", model: "p/m", samples, promptTokens: 1, completionTokens: 1 }],
    metrics: [
      {
        ...{ ...key, scorer: "accuracy", range: "binary", items: values.length, ...ESTIMATE },
        ...{ unanswered: 0, refused: 0, unparseable: 0, errors: 0, groups: [] },
      },
    ],
    calls: { made: 1, failed: 0, throttled: 0 },
  };
  writeFileSync(join(folder, "results.json"), JSON.stringify(results));
  return folder;
}

const comparison = { model: undefined, baselineModel: undefined, allowDifferentDatasets: false };
const OPTIONS = { language: undefined, comparison, sluice: "0.2.0", now: 0 } as const;

function read(path: string): { readonly html: string; readonly head: ReportHead; readonly rows: readonly ReportRow[] } {
  const html = readFileSync(path, "utf8");
  const decode = (text: string) => JSON.parse(gunzipSync(Buffer.from(text, "base64")).toString("utf8"));
  const blocks = [...html.matchAll(/<script type="application\/octet-stream" ([^>]+)>([^<]*)<\/script>/g)];
  const [head] = blocks
    .filter(([, attribute]) => attribute === 'id="report-head"')
    .map(([, , text = ""]) => decode(text));
  const rows = blocks.filter(([, attribute]) => attribute === "data-rows").flatMap(([, , text = ""]) => decode(text));
  return { html, head, rows };
}

test("a report contains all rows; no text of a user is HTML, and no path shows whose machine it was", async () => {
  const folder = writeFolder("out", [1, 0, 1]);
  const path = join(folder, "report.html");
  expect(await writeReport([folder], path, OPTIONS)).toEqual({ total: 3, included: 3 });
  const { html, head, rows } = read(path);
  expect(html).not.toContain("window.__executed");
  expect(html).toContain("content-security-policy");
  expect(JSON.stringify(head)).not.toContain("/home/somebody");
  expect(head.evaluations[0]).toMatchObject({ folder: "out", results: { name: HOSTILE, spec: { path: "spec.yaml" } } });
  expect(rows.map(({ item, answers }) => [item, answers[0]?.text])).toEqual(
    ["0", "1", "2"].map((item) => [item, HOSTILE]),
  );
  expect(readdirSync(folder).sort()).toEqual(["report.html", "results.json", "samples.jsonl"]);
});

test("of too many rows, a report contains the worst and says so", async () => {
  const folder = writeFolder("out", [1, 0, 1, 0.5]);
  const path = join(dir, "report.html");
  const limits = { rows: 2, bytes: 1e6 };
  expect(await writeReport([folder], path, { ...OPTIONS, limits })).toEqual({ total: 4, included: 2 });
  const { head, rows } = read(path);
  expect(head.rows).toEqual({ total: 4, included: 2 });
  expect(rows.map(({ item }) => item)).toEqual(["1", "3"]);
});

test("several folders are compared with the first; datasets with other contents only if that is allowed", async () => {
  const before = writeFolder(
    "before",
    Array.from({ length: 40 }, () => 0),
  );
  const after = writeFolder(
    "after",
    Array.from({ length: 40 }, () => 1),
  );
  const path = join(dir, "comparison.html");
  await writeReport([before, after], path, OPTIONS);
  const { head, rows } = read(path);
  expect(head.compared?.comparisons).toMatchObject([
    { dir: "after", baselineDir: "before", won: 40, lost: 0, difference: 1 },
  ]);
  expect(rows.map(({ evaluation }) => evaluation)).toEqual([...Array(40).fill(0), ...Array(40).fill(1)]);
  const other = writeFolder("other", [1], "1".repeat(64));
  await expect(writeReport([before, other], path, OPTIONS)).rejects.toThrow("--allow-different-datasets");
  await writeReport([before, other], path, { ...OPTIONS, comparison: { ...comparison, allowDifferentDatasets: true } });
  expect(read(path).head.compared?.comparisons).toHaveLength(1);
});

test("a folder without an evaluation, and a damaged one, are named with what is wrong", async () => {
  const path = join(dir, "report.html");
  await expect(writeReport([join(dir, "none")], path, OPTIONS)).rejects.toThrow(/none\/results\.json: cannot be read/);
  const folder = writeFolder("out", [1]);
  writeFileSync(join(folder, "samples.jsonl"), "{}\n");
  await expect(writeReport([folder], path, OPTIONS)).rejects.toThrow(/samples\.jsonl:1: item/);
  writeFileSync(join(folder, "results.json"), "{");
  await expect(writeReport([folder], path, OPTIONS)).rejects.toThrow(/results\.json: /);
  expect(readdirSync(dir)).toEqual(["out"]);
});
