// Benchmark "eval-report": how fast the report of a large evaluation is written, opens, and filters, and the memory of writing it.
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Page } from "playwright-core";
import { makeFolder, removeFolder } from "./cleanup.ts";
import { measureProcess } from "./measure-process.ts";
import { SLUICE } from "./sluice-command.ts";
import { computeSpread, formatMarkdownTable, formatMegabytes, formatSpread, number } from "./table.ts";

export interface EvalReportOptions {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

interface WrittenReport {
  readonly samples: number;
  readonly wallMs: number;
  readonly peakRss: number;
  readonly bytes: number;
}

export interface EvalReportResult {
  readonly rows: number;
  readonly written: readonly WrittenReport[];
  /** From the start of the navigation until all rows are loaded and drawn; one value per round. */
  readonly openMs: readonly number[];
  /** From an input until the list is drawn again, by what was done. */
  readonly filterMs: Readonly<Record<string, readonly number[]>>;
}

const MODELS = ["zhipu/glm-4-plus", "minimax/MiniMax-Text-01", "deepseek/deepseek-chat"];
const ROWS = 10_000;
const MAX_OPEN_MS = 2_000;
const MAX_FILTER_MS = 100;
const SUBJECTS = ["algebra", "geometry", "history", "biology"];
const WORDS = "the of a total how many eggs apples each day box then price cost left after before week farm".split(" ");

export async function benchEvalReport({ quick, log }: EvalReportOptions): Promise<EvalReportResult> {
  const folder = await makeFolder();
  try {
    const written: WrittenReport[] = [];
    for (const rows of quick ? [ROWS] : [ROWS, 333_334]) {
      const report = await writeAndMeasure(join(folder, String(rows)), rows);
      log(`${number(report.samples)} samples: ${JSON.stringify(report)}`);
      written.push(report);
    }
    const opened = await measureBrowser(join(folder, String(ROWS), "report.html"), quick ? 3 : 7);
    log(`open: ${formatSpread(opened.openMs)} ms`);
    return { rows: ROWS, written, ...opened };
  } finally {
    removeFolder(folder);
  }
}

async function writeAndMeasure(dir: string, rows: number): Promise<WrittenReport> {
  await mkdir(dir);
  await writeEvaluation(dir, rows);
  const { wallMs, peakRss } = await measureProcess([SLUICE, "report", dir]);
  const { size: bytes } = await stat(join(dir, "report.html"));
  return { samples: rows * MODELS.length, wallMs, peakRss: Math.max(...Object.values(peakRss)), bytes };
}

/** Answers of some 300 characters, of which a fifth are wrong and a few have no score. */
async function writeEvaluation(dir: string, rows: number): Promise<void> {
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const words = (count: number) =>
    Array.from({ length: count }, () => WORDS[Math.floor(random() * WORDS.length)]).join(" ");
  const file = createWriteStream(join(dir, "samples.jsonl"));
  for (let i = 0; i < rows; i += 1) {
    for (const model of MODELS) {
      const place = {
        id: `q-${i} | ${model}`,
        item: `q-${i}`,
        dataset: "d",
        prompt: "default",
        model,
        cluster: `q-${i}`,
      };
      const row = { ...place, groups: { subject: SUBJECTS[i % SUBJECTS.length] }, targets: [String(i)], sample: 1 };
      const answer = String(random() < 0.8 ? i : i + 1);
      const score = { status: "scored", value: answer === String(i) ? 1 : 0, answer };
      const usage = { finishReason: "stop", promptTokens: 80, completionTokens: 90, durationMs: 900 };
      const answered = {
        ...{ status: "answered", text: `${words(50)}.\nThe answer is ${answer}.`, ...usage },
        scores: { accuracy: random() < 0.03 ? { status: "unparseable", explanation: "no number" } : score },
      };
      const sample = random() < 0.02 ? { status: "refused", reason: "refused by the model" } : answered;
      if (!file.write(`${JSON.stringify({ ...row, ...sample })}\n`)) await once(file, "drain");
    }
  }
  file.end();
  await once(file, "close");
  await writeFile(join(dir, "results.json"), JSON.stringify(describeResults(rows)));
}

function describeResults(rows: number) {
  const sha256 = "0".repeat(64);
  const estimate = { items: rows, mean: 0.8, standardError: 0.01, interval: { low: 0.79, high: 0.81 } };
  const counts = { unanswered: 0, refused: 0, unparseable: 0, errors: 0 };
  const key = { dataset: "d", prompt: "default", scorer: "accuracy", range: "binary" };
  const groups = SUBJECTS.map((value) => ({ field: "subject", value, ...estimate }));
  const samples = { total: rows, answered: rows, refused: 0, failed: 0 };
  return {
    ...{ version: 1, name: "bench", run: "b-1", sluice: "0.0.0", scoredWith: { sluice: "0.0.0", node: "24" } },
    ...{ scoredAt: "2026-12-01T00:00:00.000Z", spec: { path: "spec.yaml", sha256 }, samples: 1, activeMs: 1 },
    ...{ scorers: { accuracy: { type: "numeric" } }, reduce: "mean", confidence: 0.95, comparisons: [] },
    ...{ datasets: [{ name: "d", path: "d.jsonl", sha256, items: rows }], prompts: [{ name: "default", sha256 }] },
    parameters: MODELS.map((label) => ({ label, model: label, parameters: {} })),
    models: MODELS.map((label) => ({ label, model: label, samples, promptTokens: 1, completionTokens: 1 })),
    metrics: MODELS.map((model) => ({ ...key, ...estimate, ...counts, model, groups })),
    calls: { made: 1, failed: 0, throttled: 0 },
  };
}

async function measureBrowser(file: string, rounds: number): Promise<Pick<EvalReportResult, "openMs" | "filterMs">> {
  const browser = await chromium.launch({
    executablePath: process.env.SLUICE_BROWSER ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  });
  const openMs: number[] = [];
  const filterMs: Record<string, number[]> = {};
  try {
    for (let round = 0; round < rounds; round += 1) {
      const page = await browser.newPage({ locale: "en-GB" });
      openMs.push(await openReport(page, file));
      for (const [name, change] of FILTERS) {
        const values = filterMs[name] ?? [];
        values.push(await measureFilter(page, change));
        filterMs[name] = values;
      }
      await page.close();
    }
    return { openMs, filterMs };
  } finally {
    await browser.close();
  }
}

/** In the page, because a message from the browser takes longer than some of what is measured. */
async function openReport(page: Page, file: string): Promise<number> {
  await page.addInitScript(`new MutationObserver((_, observer) => {
    if (!document.querySelector("#answers .card-actions")?.textContent.includes(" of ")) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { globalThis.openedMs = performance.now(); }));
  }).observe(document, { subtree: true, childList: true, characterData: true });`);
  await page.goto(pathToFileURL(file).href);
  const opened = await page.waitForFunction(() => (globalThis as { openedMs?: number }).openedMs);
  return Number(await opened.jsonValue());
}

const search = (text: string) => `const field = document.querySelector("#answers input");
  field.value = ${JSON.stringify(text)}; field.dispatchEvent(new Event("input", { bubbles: true }));`;
const select = (option: string) => `const field = [...document.querySelectorAll("#answers select")]
    .find((each) => [...each.options].some(({ text }) => text === ${JSON.stringify(option)}));
  field.value = [...field.options].find(({ text }) => text === ${JSON.stringify(option)}).value;
  field.dispatchEvent(new Event("change", { bubbles: true }));`;

const FILTERS: readonly (readonly [name: string, change: string])[] = [
  ["search for a rare word", search("q-4711")],
  ["search for three common words", search("farm eggs the")],
  ["search for a word that no row has", search("zebra")],
  ["clear the search", search("")],
  ["wrong answers", select("Wrong, or below 0.5")],
  ["models that differ", select("Models differ")],
  ["a group", select("subject: history")],
  ["order by mean score", select("Lowest mean score")],
  ["order by disagreement", select("Most disagreement")],
];

async function measureFilter(page: Page, change: string): Promise<number> {
  return await page.evaluate(`(async () => {
    const start = performance.now();
    { ${change} }
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    return performance.now() - start;
  })()`);
}

export function describeEvalReport({ rows, written, openMs, filterMs }: EvalReportResult): string {
  const lines = written.map(({ samples, wallMs, peakRss, bytes }) => [
    number(samples),
    number(wallMs / 1000),
    formatMegabytes(peakRss),
    formatMegabytes(bytes),
  ]);
  const browser = [
    ["open", formatSpread(openMs)],
    ...Object.entries(filterMs).map(([name, ms]) => [name, formatSpread(ms)]),
  ];
  return [
    "### Report",
    formatMarkdownTable(["samples", "seconds to write it", "peak memory", "size of the file"], lines),
    `${number(rows)} rows of ${MODELS.length} models in headless Chromium, ms until it is drawn: median (minimum-maximum).`,
    formatMarkdownTable(["action", "ms"], browser),
  ].join("\n\n");
}

export function assertReportFast({ openMs, filterMs }: EvalReportResult): void {
  const { median } = computeSpread(openMs);
  if (median > MAX_OPEN_MS) throw new Error(`the report opens in ${Math.round(median)} ms, more than ${MAX_OPEN_MS}`);
  for (const [name, ms] of Object.entries(filterMs))
    if (computeSpread(ms).median > MAX_FILTER_MS) throw new Error(`"${name}" takes more than ${MAX_FILTER_MS} ms`);
}
