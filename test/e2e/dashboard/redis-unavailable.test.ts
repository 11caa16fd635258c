import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  expectEventually,
  type GuardedPage,
  hasBrowser,
  openBrowser,
  openGuardedPage,
} from "#test/support/dashboard/browser.ts";
import { type DashboardProcess, startDashboardProcess } from "#test/support/dashboard/dashboard-process.ts";
import { hasRedisServer, type RedisProcess, startRedisProcess } from "#test/support/redis/redis-process.ts";
import { CliSandbox, hasProgressedTo } from "#test/support/runs/cli-sandbox.ts";
import { writeCorpus } from "#test/support/runs/corpus.ts";

describe.skipIf(!hasBrowser || !hasRedisServer())("dashboard during outages", () => {
  let redis: RedisProcess;
  let sandbox: CliSandbox;
  let dashboard: DashboardProcess;
  let browser: Browser;
  let guarded: GuardedPage;

  beforeAll(async () => {
    redis = await startRedisProcess();
    sandbox = await CliSandbox.open({
      limits: { requestsPerMinute: 100_000, concurrency: 1 },
      latency: { fixedMs: 300 },
      env: { REDIS_URL: redis.url },
    });
    dashboard = await startDashboardProcess(sandbox);
    const run = sandbox.embed([writeCorpus(sandbox, 12_000), "--out", "vectors", "--json"]);
    await run.event(hasProgressedTo(0.005), "progress");
    browser = await openBrowser();
    guarded = await openGuardedPage(browser);
    await guarded.page.goto(dashboard.url);
    await guarded.page.getByRole("link", { name: "vectors" }).waitFor();
  });

  afterAll(async () => {
    await browser?.close();
    await sandbox?.[Symbol.asyncDispose]();
    await redis?.stop();
  });

  const progress = async () =>
    Number(await guarded.page.getByRole("progressbar").first().getAttribute("aria-valuenow"));

  test("a killed Redis is announced on the page, which keeps its values and recovers by itself", async () => {
    const { page } = guarded;
    await redis.kill("SIGKILL");
    await page.getByText(/Redis has been unavailable since \d\d:\d\d:\d\d/).waitFor();
    expect(await page.getByRole("link", { name: "vectors" }).count()).toBe(1);
    // Pages opened during the outage show the same message and load their content when Redis is back.
    const [audit, search] = [await openGuardedPage(browser), await openGuardedPage(browser)];
    await audit.page.goto(`${dashboard.url}/#/audit`);
    await search.page.goto(`${dashboard.url}/#/search`);
    for (const { page: opened } of [audit, search])
      await opened.getByText(/Redis has been unavailable since/).waitFor();
    await audit.page.locator("main [role=alert]").waitFor();
    await redis.start();
    await audit.page.getByText("No actions yet.").waitFor();
    await search.page.getByText("No finished embedding runs yet.").waitFor();
    for (const { page: opened, close } of [audit, search]) {
      await expectEventually(() => opened.locator("main [role=alert]").count()).toBe(0);
      await close();
    }
    await expectEventually(() => page.getByText(/Redis has been unavailable/).count()).toBe(0);
    await page.getByRole("link", { name: "vectors" }).waitFor();
    const before = await progress();
    await expectEventually(progress).toBeGreaterThan(before);
    expect(await guarded.getViolations()).toEqual([]);
  });

  test("a stopped server is announced on the page, which recovers when it is back", async () => {
    const { page } = guarded;
    dashboard.cli.kill("SIGKILL");
    await page.getByText("The dashboard server is not responding.").waitFor();
    expect(await page.getByRole("link", { name: "vectors" }).count()).toBe(1);
    const { port } = new URL(dashboard.url);
    dashboard = await startDashboardProcess(sandbox, { port: Number(port) });
    await expectEventually(() => page.getByText("is not responding").count()).toBe(0);
    const before = await progress();
    await expectEventually(progress).toBeGreaterThan(before);
  });
});
