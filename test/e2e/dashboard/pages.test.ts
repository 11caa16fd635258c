import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  expectEventually,
  type GuardedPage,
  hasBrowser,
  openBrowser,
  openGuardedPage,
} from "#test/support/dashboard/browser.ts";
import { type DashboardProcess, startDashboardProcess, waitForRun } from "#test/support/dashboard/dashboard-process.ts";
import { type CliProcess, CliSandbox, hasProgressedTo } from "#test/support/runs/cli-sandbox.ts";
import { writeCorpus } from "#test/support/runs/corpus.ts";

/** A property of the focused element. */
const focused = (page: Page, property: "textContent" | "id") =>
  page.locator(":focus").evaluate((element, name) => (element as unknown as Record<string, unknown>)[name], property);

/** Whether a part of the element is visible without scrolling. */
async function isInView(element: Locator): Promise<boolean> {
  const box = await element.boundingBox();
  const size = element.page().viewportSize();
  return box !== null && size !== null && box.y >= 0 && box.y < size.height - 20;
}

const ITEMS = 24_000;
const CHAT = "minimax/MiniMax-Text-01";

describe.skipIf(!hasBrowser)("pages of a dashboard with a live run", () => {
  let sandbox: CliSandbox;
  let up: DashboardProcess;
  let run: CliProcess;
  let runId: string;
  let browser: Browser;
  let guarded: GuardedPage;

  beforeAll(async () => {
    // Slow enough for the run to last as long as the tests.
    sandbox = await CliSandbox.open({
      limits: { requestsPerMinute: 100_000, concurrency: 2 },
      latency: { fixedMs: 400 },
    });
    up = await startDashboardProcess(sandbox, { workers: 1 });
    sandbox.write("done.jsonl", ['{"id":"sea","text":"the sea"}', '{"id":"lamp","text":"a lamp"}'].join("\n"));
    const done = await sandbox.embed(["done.jsonl", "--out", "done", "--workers", "0", "--with-text"]).exit;
    expect(done).toMatchObject({ code: 0 });
    run = sandbox.embed([writeCorpus(sandbox, ITEMS), "--out", "vectors", "--workers", "0", "--json"]);
    await run.event(hasProgressedTo(0.005), "progress");
    runId = await waitForRun(up.url, "vectors");
    browser = await openBrowser();
    guarded = await openGuardedPage(browser);
  });

  afterAll(async () => {
    await browser?.close();
    await sandbox?.[Symbol.asyncDispose]();
  });

  test("the overview shows active runs, problems, spend, and the tightest limit", async () => {
    const { page } = guarded;
    await page.goto(up.url);
    const stats = page.locator(".stat");
    await expectEventually(() => stats.nth(0).innerText()).toMatch(/Running\s+1 run\b/);
    await expectEventually(() => stats.nth(1).innerText()).toMatch(/Needs attention\s+All clear/);
    // An unknown price is shown as a dash, not as zero.
    await expectEventually(() => stats.nth(2).innerText()).toMatch(/Spend\s+–/);
    await expectEventually(() => stats.nth(3).innerText()).toMatch(/Tightest limit\s+[\d.]+ %/);
    await expectEventually(() => page.getByRole("link", { name: "vectors" }).count()).toBe(1);
    await expectEventually(() => page.getByRole("meter").count()).toBeGreaterThan(0);
    await expectEventually(() => page.locator(".plot svg").count()).toBeGreaterThan(2);
    // No animation with prefers-reduced-motion.
    expect(await page.evaluate("getComputedStyle(document.querySelector('.meter-fill')).transitionDuration")).toBe(
      "0s",
    );
    expect(await guarded.getViolations()).toEqual([]);
  });

  test("values are updated without reloading the page", async () => {
    const { page } = guarded;
    await page.evaluate(() => Object.assign(globalThis, { isSamePage: true }));
    const progress = page.getByRole("progressbar").first();
    const before = Number(await progress.getAttribute("aria-valuenow"));
    await expectEventually(async () => Number(await progress.getAttribute("aria-valuenow"))).toBeGreaterThan(before);
    expect(await page.evaluate(() => (globalThis as { isSamePage?: boolean }).isSamePage)).toBe(true);
  });

  test("a chart shows values under the pointer and with the arrow keys, and the start of a run", async () => {
    const { page } = guarded;
    const chart = page.locator(".plot-area").first();
    await page.locator(".run-marker.started").first().waitFor({ state: "attached" });
    await chart.hover();
    await expectEventually(() => page.locator(".plot-tooltip").innerText()).toMatch(/^\d\d:\d\d:\d\d\s+items\s/);
    await page.mouse.move(0, 0);
    await expectEventually(() => page.locator(".plot-tooltip").count()).toBe(0);
    await chart.focus();
    expect(await chart.getAttribute("aria-valuetext")).toMatch(/^Latest, items /);
    await page.keyboard.press("Home");
    await expectEventually(() => chart.getAttribute("aria-valuetext")).toMatch(/^\d\d:\d\d:\d\d, items /);
    await page.keyboard.press("Escape");
    await expectEventually(() => page.locator(".plot-tooltip").count()).toBe(0);
  });

  test("the first view loads less than 100 KB of script", async () => {
    const fresh = await openGuardedPage(browser);
    const sizes: Promise<number>[] = [];
    fresh.page.on("requestfinished", (request) => {
      if (request.resourceType() === "script")
        sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
    });
    await fresh.page.goto(up.url);
    await fresh.page.locator(".plot svg").first().waitFor();
    const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    expect(total).toBeGreaterThan(10_000);
    expect(total).toBeLessThan(100_000);
    await fresh.close();
  });

  test("the URL contains the filter and the order of the runs, and the back button restores them", async () => {
    const { page } = guarded;
    const first = () => page.locator("tbody tr td.name a").first().innerText();
    const sortByName = page.getByRole("button", { name: "Run", exact: true });
    await page.goto(`${up.url}/#/runs?sort=run&order=ascending`);
    await expectEventually(first).toBe("done");
    await sortByName.click();
    await expectEventually(first).toBe("vectors");
    expect(page.url()).toMatch(/#\/runs\?sort=run$/);
    await page.getByLabel("State").selectOption("finished");
    await expectEventually(first).toBe("done");
    await page.getByLabel("Name, ID, or model").fill("don");
    await expectEventually(() => page.url()).toMatch(/\?text=don&state=finished&sort=run$/);
    await page.reload();
    await expectEventually(first).toBe("done");
    expect(await page.getByLabel("State").inputValue()).toBe("finished");
    await page.goBack();
    await expectEventually(() => page.getByLabel("Name, ID, or model").inputValue()).toBe("");
    await page.goBack();
    await page.goBack();
    await expectEventually(() => page.url()).toMatch(/order=ascending$/);
    await expectEventually(first).toBe("done");
    await expectEventually(() => page.locator("tbody tr").count()).toBe(2);
    // The link of the page shows all runs again.
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    await expectEventually(first).toBe("vectors");
  });

  test("runs are found by name and link to their pages", async () => {
    const { page } = guarded;
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    await expectEventually(() => page.locator("tbody tr").count()).toBe(2);
    await page.getByLabel("Name, ID, or model").fill("vectors");
    await expectEventually(() => page.locator("tbody tr").count()).toBe(1);
    await page.getByRole("link", { name: "vectors" }).click();
    await expectEventually(() => page.getByRole("heading", { level: 1 }).innerText()).toBe("vectors");
    await expectEventually(() => page.title()).toBe("vectors · Sluice");
  });

  test("the page of a run shows progress by status, batch fill, duplicate calls, and throughput", async () => {
    const { page } = guarded;
    const fact = (label: string) =>
      page.locator(".description-list > div", { has: page.getByText(label, { exact: true }) }).locator("dd");
    await expectEventually(() => page.locator(".progress-legend").innerText()).toMatch(/succeeded\s+[\d,]+/);
    await expectEventually(() => fact("Batch fill").innerText()).toMatch(/^[\d.]+ %/);
    await expectEventually(() => fact("Duplicate calls").innerText()).toMatch(/^0/);
    await expectEventually(() => fact("Calls").innerText()).toMatch(/^[1-9]/);
    await expectEventually(() => page.getByText("No items have failed.").count()).toBe(1);
    await expectEventually(() => page.locator(".plot").count()).toBeGreaterThan(0);
  });

  test("items are found by id and by text; without a password, the texts of an item are shown directly", async () => {
    const { page } = guarded;
    await page.getByLabel("ID", { exact: true }).fill("c-17");
    await page.getByRole("button", { name: "Find items" }).click();
    await page.getByRole("link", { name: "c-17", exact: true }).waitFor();
    await page.getByLabel("ID", { exact: true }).fill("");
    await page.getByLabel("Search").fill('"Paragraph 17"');
    await page.getByRole("button", { name: "Find items" }).click();
    await page.getByRole("link", { name: "c-17", exact: true }).click();
    await expectEventually(() => page.getByRole("heading", { level: 1 }).innerText()).toBe("c-17");
    await page.getByText("Paragraph 17:").waitFor();
    expect(await page.getByRole("button", { name: "Show text" }).count()).toBe(0);
    expect(await guarded.getViolations()).toEqual([]);
  });

  test("the live page shows records as they are committed", async () => {
    const { page } = guarded;
    await page.getByRole("link", { name: "Live", exact: true }).click();
    await page
      .getByText(/1,536 dimensions/)
      .first()
      .waitFor();
    const first = await page.locator("tbody tr").first().innerText();
    await expectEventually(() => page.locator("tbody tr").first().innerText()).not.toBe(first);
  });

  test("a running chat is followed to its end", async () => {
    const { page } = guarded;
    sandbox.simulator.configure({ deltaMs: 5 });
    const release = sandbox.simulator.holdStreams(8);
    const chat = sandbox.start(["chat", "one two three four", "--model", CHAT, "--workers", "0"]);
    await page.getByRole("button", { name: "Follow chat" }).click();
    const answer = page.locator(".followed-chat");
    expect(await isInView(answer)).toBe(true);
    await expectEventually(() => answer.innerText()).toContain("You wrote");
    await page.getByText("characters so far").waitFor();
    release();
    const { stdout } = await chat.exit;
    await expectEventually(() => answer.innerText()).toBe(stdout.trim());
    await page.getByText("finished", { exact: true }).waitFor();
  });

  test("a search finds the nearest record of a finished run", async () => {
    const { page } = guarded;
    await page.getByRole("link", { name: "Search", exact: true }).click();
    await page.getByLabel("Search text").fill("the sea");
    await page.getByRole("button", { name: "Search records" }).click();
    await expectEventually(() => page.locator(".search-hits li").first().innerText()).toMatch(
      /^[01]\.\d{3}\s+sea\s+the sea/,
    );
  });

  test("the queues page links to bull-board, which uses the same authentication", async () => {
    const { page } = guarded;
    await page.getByRole("link", { name: "Queues", exact: true }).click();
    const link = await page.getByRole("link", { name: "Open bull-board" }).getAttribute("href");
    const board = await openGuardedPage(browser);
    await board.page.goto(`${up.url}/${link}`);
    await board.page.getByText("minimax-embedding").first().waitFor();
    expect(await board.getViolations()).toEqual([]);
    await board.close();
  });

  test("the name of a queue links to its jobs in bull-board", async () => {
    const own = await openGuardedPage(browser);
    await own.page.goto(`${up.url}/#/queues`);
    const opened = own.page.waitForEvent("popup");
    await own.page.getByRole("link", { name: "minimax-embedding", exact: true }).click();
    const board = await opened;
    await board.getByRole("heading", { name: "minimax-embedding", exact: true }).waitFor();
    expect(new URL(board.url()).pathname).toBe("/queues/act/queue/minimax-embedding");
    await own.close();
  });

  test("actions are listed in the audit log", async () => {
    const { page } = guarded;
    await page.getByRole("link", { name: "Audit", exact: true }).click();
    await page.getByRole("cell", { name: "View item" }).waitFor();
    await page.getByRole("cell", { name: "Search records" }).waitFor();
    expect(await guarded.getViolations()).toEqual([]);
  });

  test("unknown runs and pages show a message", async () => {
    const { page } = guarded;
    await page.goto(`${up.url}/#/runs/e-20200101-nosuch00`);
    await page.getByText("Run not found.").waitFor();
    await page.goto(`${up.url}/#/nonsense`);
    await page.getByText("Page not found.").waitFor();
  });

  test("a finished run is renamed in the list and deleted on its page; a live run is not deletable", async () => {
    const { page } = guarded;
    await page.goto(`${up.url}/#/runs?sort=run`);
    await page.getByRole("button", { name: "Rename done" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("two words");
    await dialog.getByRole("button", { name: "Rename" }).click();
    await dialog.getByText(/expected letters, digits/).waitFor();
    await dialog.getByLabel("Name").fill("sea-and-lamp");
    await dialog.getByRole("button", { name: "Rename" }).click();
    await page.getByRole("link", { name: "sea-and-lamp" }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await dialog.getByText("run.db, run-search.db, .work").waitFor();
    await dialog.getByText(join(sandbox.dir, "done")).waitFor();
    await dialog.getByLabel("Delete the output, too:").check();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await expectEventually(() => page.url()).toMatch(/#\/runs$/);
    await expectEventually(() => page.locator("tbody tr").count()).toBe(1);
    expect(existsSync(join(sandbox.dir, "done"))).toBe(false);
    expect(await page.getByRole("button", { name: /^Rename/ }).count()).toBe(1);
    expect(await page.getByRole("button", { name: /^Delete/ }).count()).toBe(0);
    expect(await guarded.getViolations()).toEqual([]);
  });

  test("all controls are reachable with the keyboard, starting with a link that skips the header", async () => {
    const { page } = guarded;
    await page.goto(`${up.url}/#/runs/${runId}`);
    await page.getByRole("button", { name: "Pause" }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Pause" }).waitFor();
    await page.keyboard.press("Tab");
    expect(await focused(page, "textContent")).toBe("Skip to content");
    await page.keyboard.press("Enter");
    expect(await focused(page, "id")).toBe("main");
    for (let presses = 0; presses < 10; presses++) {
      await page.keyboard.press("Tab");
      if ((await focused(page, "textContent")) === "Pause run") break;
    }
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await expectEventually(() => page.getByRole("dialog").count()).toBe(0);
    expect(await focused(page, "textContent")).toBe("Pause run");
  });
});
