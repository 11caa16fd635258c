// Takes the dashboard screenshots of the README and the docs, with real runs against the simulator.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { RunList } from "#src/dashboard/runs/run-api.ts";
import { SIMULATOR_API_KEY, SIMULATOR_ZHIPU_KEY, type Simulator, startSimulator } from "#src/simulator/simulator.ts";

const USAGE = `usage: node scripts/screenshots.ts [--out DIR] [--seconds N] [--browser FILE]

Starts a simulator, "sluice up" with a private Redis in a temporary folder, and some runs. Waits until the charts have
data, then writes overview.png, run.png, dark.png, chinese.png, and phone.png.
Requires Chromium or Chrome, and a font with Chinese characters.

  --out DIR        folder of the screenshots (default: docs/images)
  --seconds N      how long to wait before taking them (default: 240)
  --browser FILE   executable of the browser (default: SLUICE_BROWSER, else /usr/bin/chromium)
  -h, --help       show this help
Exit code: 1 if a screenshot is larger than 300 KB.`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h" },
    out: { type: "string", default: "docs/images" },
    seconds: { type: "string", default: "240" },
    browser: { type: "string", default: process.env.SLUICE_BROWSER ?? "/usr/bin/chromium" },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const MAX_BYTES = 300_000;
const ENTRY = fileURLToPath(new URL("../bin/sluice.js", import.meta.url));
const SETTINGS = `providers:
  minimax:
    models:
      embo-01:
        limits: { requestsPerMinute: 480, tokensPerMinute: 200000, concurrency: 8, pacing: even }
        price: { inputPerMillionTokens: 0.5, currency: CNY }
  zhipu:
    models:
      embedding-3:
        limits: { requestsPerMinute: 90, concurrency: 4, pacing: even }
        price: { inputPerMillionTokens: 0.5, currency: CNY }
`;

const tempDir = mkdtempSync(join(tmpdir(), "sluice-screenshots-"));
const started: ChildProcess[] = [];
let browser: Browser | undefined;
let simulator: Simulator | undefined;

try {
  simulator = await startSimulator({
    limits: { requestsPerWindow: 600 },
    latency: { fixedMs: 380, jitterMs: 240 },
    faults: [
      { text: "forbidden", action: { type: "code", code: 1026 } },
      { text: "too much", action: { type: "code", code: 2013 } },
      { probability: 0.004, action: { type: "status", status: 502 } },
    ],
  });
  const url = await startSluice(simulator);
  browser = await chromium.launch({
    executablePath: values.browser,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  });
  // The server samples Redis more often while a page is open.
  const watcherPage = await browser.newPage();
  await watcherPage.goto(url);
  await sleep(Number(values.seconds) * 1000);
  await watcherPage.close();
  mkdirSync(values.out, { recursive: true });
  await captureAll(browser, url);
} finally {
  await browser?.close();
  for (const child of started) stop(child);
  await Promise.all(started.map(waitForExit));
  await simulator?.close();
  rmSync(tempDir, { recursive: true, force: true });
}

/** Starts the dashboard, two workers, and four runs, and waits until the first run ends. Resolves with the dashboard's URL. */
async function startSluice(upstream: Simulator): Promise<string> {
  writeFileSync(join(tempDir, "sluice.yaml"), SETTINGS);
  writeTexts("handbook.jsonl", 40_000, "handbook");
  writeTexts("tickets.jsonl", 30_000, "ticket");
  writeTexts("letters.jsonl", 900, "letter");
  writeTexts("notes.jsonl", 240, "note");
  const env = {
    MINIMAX_API_KEY: SIMULATOR_API_KEY,
    MINIMAX_BASE_URL: upstream.url,
    ZHIPU_API_KEY: SIMULATOR_ZHIPU_KEY,
    ZHIPU_BASE_URL: upstream.zhipuUrl,
    // A wrong key, so that one lane is parked.
    OPENAI_API_KEY: "a-key-that-was-revoked",
    OPENAI_BASE_URL: upstream.openaiUrl,
  };
  const up = sluice(["up", "--port", "0", "--workers", "2"], env);
  const url = await new Promise<string>((resolve, reject) => {
    let stdoutText = "";
    up.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdoutText += text;
      const dashboardUrl = /Dashboard: (http:\S+)/.exec(stdoutText)?.[1];
      if (dashboardUrl !== undefined) resolve(dashboardUrl);
    });
    up.once("exit", (code) => reject(new Error(`sluice up exited with code ${code}`)));
  });
  const embed = (source: string, model: string) => {
    const out = source.replace(".jsonl", "-vectors");
    return sluice(["embed", source, "--model", model, "--out", out, "--workers", "0", "--with-text"], env);
  };
  await waitForExit(embed("notes.jsonl", "minimax/embo-01"));
  embed("handbook.jsonl", "minimax/embo-01");
  embed("tickets.jsonl", "zhipu/embedding-3");
  embed("letters.jsonl", "openai/text-embedding-3-small");
  return url;
}

function sluice(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    cwd: tempDir,
    env: {
      ...process.env,
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      REDIS_URL: "",
      SLUICE_CONFIG: "",
      ...env,
    },
    stdio: ["ignore", args[0] === "up" ? "pipe" : "ignore", "inherit"],
  });
  started.push(child);
  return child;
}

function writeTexts(name: string, count: number, word: string): void {
  const lines = Array.from({ length: count }, (_, n) => {
    const fault = n % 900 === 17 ? " forbidden" : n % 2_100 === 40 ? " too much" : "";
    return JSON.stringify({
      id: `${word}-${n}`,
      text: `The ${word} number ${n} says what to do next.${fault}`,
    });
  });
  writeFileSync(join(tempDir, name), `${lines.join("\n")}\n`);
}

async function captureAll(browser: Browser, url: string): Promise<void> {
  const list = (await (await fetch(`${url}/api/runs`)).json()) as RunList;
  const run = list.runs.find(({ name }) => name === "handbook-vectors")?.run ?? "";
  const laptop = { width: 1280, height: 800 };
  await capture(browser, "overview.png", `${url}/#/`, { viewport: { ...laptop, height: 1130 } });
  await capture(browser, "run.png", `${url}/#/runs/${run}`, { viewport: { ...laptop, height: 960 } });
  await capture(browser, "dark.png", `${url}/#/`, { viewport: laptop, colorScheme: "dark" });
  await capture(browser, "chinese.png", `${url}/#/`, { viewport: laptop, locale: "zh-CN" });
  const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 };
  await capture(browser, "phone.png", `${url}/#/runs/${run}`, { ...phone, colorScheme: "dark" });
}

async function capture(browser: Browser, name: string, url: string, options: BrowserContextOptions): Promise<void> {
  const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  await page.goto(url);
  await waitForCharts(page);
  const path = join(values.out, name);
  await page.screenshot({ path });
  await context.close();
  const bytes = statSync(path).size;
  console.log(`${path}: ${(bytes / 1000).toFixed(0)} KB`);
  if (bytes > MAX_BYTES) process.exitCode = 1;
}

/** Waits for the charts, and for two more overview events. */
async function waitForCharts(page: Page): Promise<void> {
  await page.locator(".plot svg").first().waitFor();
  await sleep(2_500);
}

function stop(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
}

function waitForExit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("exit", () => resolve()));
}
