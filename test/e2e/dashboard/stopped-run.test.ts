import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  expectEventually,
  type GuardedPage,
  hasBrowser,
  openBrowser,
  openGuardedPage,
} from "#test/support/dashboard/browser.ts";
import { type DashboardProcess, startDashboardProcess, waitForRun } from "#test/support/dashboard/dashboard-process.ts";
import { CliSandbox, hasProgressedTo } from "#test/support/runs/cli-sandbox.ts";
import { writeCorpus } from "#test/support/runs/corpus.ts";

describe.skipIf(!hasBrowser)("a run whose process was killed", () => {
  let sandbox: CliSandbox;
  let up: DashboardProcess;
  let browser: Browser;
  let guarded: GuardedPage;
  let zh: GuardedPage;

  beforeAll(async () => {
    sandbox = await CliSandbox.open({
      limits: { requestsPerMinute: 100_000, concurrency: 1 },
      latency: { fixedMs: 300 },
    });
    up = await startDashboardProcess(sandbox, { workers: 1 });
    const embed = sandbox.embed([writeCorpus(sandbox, 3_000), "--out", "vectors", "--workers", "0", "--json"]);
    await embed.event(hasProgressedTo(0.005), "progress");
    const run = await waitForRun(up.url, "vectors");
    embed.kill("SIGKILL");
    await embed.exit;
    browser = await openBrowser();
    guarded = await openGuardedPage(browser);
    zh = await openGuardedPage(browser, { locale: "zh-CN" });
    for (const { page } of [guarded, zh]) await page.goto(`${up.url}/#/runs/${run}`);
  });

  afterAll(async () => {
    await browser?.close();
    await sandbox?.[Symbol.asyncDispose]();
  });

  test("the page shows why it stopped and how to resume it, and offers only useful actions", async () => {
    const { page } = guarded;
    await page.locator(".page-title").getByText("stopped").waitFor();
    const note = page.locator(".note.error");
    await expectEventually(() => note.innerText()).toMatch(/exited unexpectedly/);
    expect(await note.locator("code").innerText()).toMatch(/^sluice resume \S+vectors$/);
    await note.getByText("Until then, its buffer size cannot be changed.").waitFor();
    const offered = await page.locator(".page-title button").allInnerTexts();
    expect(offered).toEqual(["Resume run", "Cancel run", "Rename", "Delete"]);
  });

  test("the Chinese page shows the same without English words", async () => {
    const note = zh.page.locator(".note.error");
    await expectEventually(() => note.innerText()).toContain("没有协调进程");
    const texts = await note.locator("p:not(:has(code))").allInnerTexts();
    expect(texts.join(" ")).not.toMatch(/[A-Za-z]{2,}/);
  });

  test("cancelling it promises no output, and the page says what is missing", async () => {
    const { page } = guarded;
    await page.getByRole("button", { name: "Cancel run" }).click();
    await page.getByRole("dialog").getByText("no output will be written yet").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel run" }).click();
    await page.getByText("Resume it to write the output.").waitFor();
    await page.locator(".page-title").getByText("cancelled").waitFor();
    const note = page.locator(".note.warning");
    await expectEventually(() => note.innerText()).toMatch(/its output has not been written yet/);
    expect(await note.locator("code").innerText()).toMatch(/^sluice resume /);
    await zh.page.getByText("输出尚未写出").waitFor();
  });

  test("resuming it runs its command, which writes the output", async () => {
    const { page } = guarded;
    await page.getByRole("button", { name: "Resume run" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Resume run" }).click();
    await page.getByText("ended", { exact: true }).waitFor();
    expect(sandbox.manifest("vectors")).toMatchObject({ state: "finished", items: { missing: 0 } });
    expect(await guarded.getViolations()).toEqual([]);
  });
});
