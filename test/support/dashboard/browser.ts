import { spawnSync } from "node:child_process";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";
import { remainingTestMs } from "#test/support/wait-for.ts";

const BROWSER_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Path of Chromium or Chrome: SLUICE_BROWSER, or else the first one on PATH; undefined, with a warning, if there is none. */
function findBrowser(): string | undefined {
  const candidates = process.env.SLUICE_BROWSER ? [process.env.SLUICE_BROWSER] : BROWSER_NAMES;
  for (const name of candidates) {
    const { status, stdout } = spawnSync("sh", ["-c", 'command -v "$1"', "sh", name], { encoding: "utf8" });
    if (status === 0) return stdout.trim();
  }
  console.warn("NO BROWSER: the tests of the dashboard's pages are skipped (sh scripts/bootstrap.sh --browser)");
  return undefined;
}

const program = findBrowser();
export const hasBrowser = program !== undefined;

/** A headless browser that makes no background requests. */
export function openBrowser(): Promise<Browser> {
  if (program === undefined) throw new Error("no browser found; skip the test if hasBrowser is false");
  return chromium.launch({
    executablePath: program,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Less than the time limit of tests, so that what was waited for is reported. */
const BROWSER_WAIT_MS = 120_000;

export interface GuardedPage {
  readonly page: Page;
  /**
   * What must never happen on a page: requests to other hosts, violations of the content security policy, browser
   * dialogs, uncaught errors, and `window.__executed`, which the XSS payloads set when they are executed.
   */
  getViolations(): Promise<string[]>;
  close(): Promise<void>;
}

/** A page in its own browser context that records violations. */
export async function openGuardedPage(browser: Browser, options: BrowserContextOptions = {}): Promise<GuardedPage> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 860 },
    locale: "en-GB",
    reducedMotion: "reduce",
    ...options,
  });
  // Playwright's default of 30 s is too short on a busy machine.
  context.setDefaultTimeout(BROWSER_WAIT_MS);
  const page = await context.newPage();
  const violations: string[] = [];
  context.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (!/^https?:$/.test(protocol) || !/^(127\.0\.0\.1|localhost)$/.test(hostname))
      violations.push(`request to ${request.url().slice(0, 200)}`);
  });
  context.on("page", (other) => {
    if (other !== page) violations.push("a window was opened");
  });
  page.on("dialog", (dialog) => {
    violations.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("pageerror", (error) => violations.push(`uncaught: ${error.message}`));
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) violations.push(message.text());
  });
  return {
    page,
    getViolations: async () => {
      const executed = await page.evaluate(() => (globalThis as { __executed?: unknown }).__executed);
      return executed === undefined ? violations : [...violations, `executed: ${String(executed)}`];
    },
    close: () => context.close(),
  };
}

/** `expect.poll` whose only time limit is the one of the test. */
export function expectEventually<T>(probe: () => T | Promise<T>) {
  return expect.poll(probe, { timeout: remainingTestMs(), interval: 50 });
}
