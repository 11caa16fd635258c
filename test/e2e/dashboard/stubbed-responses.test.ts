import type { Browser, Route } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FailureCauseList } from "#src/dashboard/items/causes/cause-api.ts";
import type { LiveChats } from "#src/dashboard/live/chat-api.ts";
import type { LiveEvents } from "#src/dashboard/live/live-events.ts";
import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import type { Overview } from "#src/dashboard/overview/overview-api.ts";
import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import { expectEventually, hasBrowser, openBrowser, openGuardedPage } from "#test/support/dashboard/browser.ts";
import { type DashboardProcess, startDashboardProcess } from "#test/support/dashboard/dashboard-process.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";

const at = Date.UTC(2026, 0, 2, 3, 4, 5);

const lane: LaneView = {
  name: "minimax/embo-01",
  provider: "minimax",
  account: "default",
  model: "embo-01",
  state: "parked",
  reason: "auth: the key was refused",
  reasonKind: "auth",
  requests: { used: 299, allowed: 400, learned: 215, set: true },
  tokens: { used: 3 },
  concurrency: { used: 1, allowed: 4 },
};

const run: RunPage = {
  run: "e-1",
  name: "\u202Esrotcev",
  at,
  kind: "embedding",
  phase: "finished",
  createdAt: at - 60_000,
  finishedAt: at,
  activeMs: 20_000,
  items: { total: 100, succeeded: 1, failed: 99, inFlight: 0 },
  failuresByKind: { timeout: 99 },
  lanes: [lane],
  folder: { isReadable: false, reason: "It is on another machine.", reasonCode: "folder-on-other-host" },
  actions: ["retry"],
  refusals: { items: "It is on another machine." },
  refusalCodes: { items: "folder-on-other-host" },
  retry: {
    action: "retry",
    state: "finished",
    startedAt: at,
    userName: "ada",
    items: { succeeded: 0, failed: 3 },
    message: "3 items failed again.",
    code: "some-failed-again",
  },
};

const causes: FailureCauseList = {
  at,
  total: 99,
  others: 0,
  causes: Array.from({ length: 45 }, (_, n) => ({
    cause: n === 0 ? "other:timeout" : `${n}`.padStart(12, "0"),
    kind: "timeout",
    isCatchAll: n === 0 ? true : undefined,
    message: n === 0 ? "" : `cause ${n}`,
    count: n === 0 ? 55 : 1,
    example: { index: n, message: `cause ${n} of item ${n}` },
  })),
};

const overview: Overview = {
  at,
  health: { at, redis: { state: "ok" } },
  lanes: [lane],
  providers: [
    {
      name: "minimax",
      errorsByKind: {},
      queues: [
        { name: "q-full", kind: "chat", priority: "bulk", waiting: 3, active: 0, delayed: 0, paused: true },
        { name: "q-empty", kind: "chat", priority: "interactive", waiting: 0, active: 0, delayed: 0 },
      ],
    },
  ],
  workers: [{ id: "w", state: "alive", seenAt: at, queues: ["q-full", "q-empty"] }],
  redis: { isPrivate: true },
  runs: {
    byPhase: {},
    active: [],
    activeTotal: 0,
    recentlyFinished: [run],
    unpriced: 0,
    money: [
      { spent: 0.1, expected: 0.4, currency: "CNY" },
      { spent: 0, currency: "USD" },
    ],
  },
  totals: {},
  latest: {},
  spentLastDay: [{ spent: 0.5, currency: "CNY" }],
};

const chats: LiveChats = {
  at,
  total: 201,
  answering: 2,
  chats: Array.from({ length: 100 }, (_, n) => ({
    item: n === 99 ? "c-streams" : `c-1/${n}`,
    model: "minimax/text",
    queue: "q-full",
    startedAt: at - 1_000,
    isStreaming: n === 99,
    state: n === 99 ? "answering" : "waiting",
    attempt: n === 99 ? 2 : 1,
  })),
};

const EVENTS: Partial<LiveEvents> = { health: overview.health, overview, run, chats };

/** Fulfils API requests with fixed answers for states that a real run reaches only slowly. */
function answer(route: Route): Promise<void> {
  const { pathname } = new URL(route.request().url());
  if (pathname === "/api/events") {
    const events = Object.entries(EVENTS).map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    return route.fulfill({ contentType: "text/event-stream", body: events.join("") });
  }
  if (pathname.endsWith("/causes")) return route.fulfill({ json: causes });
  if (pathname === "/api/history" || pathname.endsWith("/history"))
    return route.fulfill({ json: { stepMs: 1_000, at: [], lines: [] } });
  return route.continue();
}

describe.skipIf(!hasBrowser)("pages with stubbed answers", () => {
  let sandbox: CliSandbox;
  let up: DashboardProcess;
  let browser: Browser;

  beforeAll(async () => {
    sandbox = await CliSandbox.open();
    up = await startDashboardProcess(sandbox);
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await sandbox?.[Symbol.asyncDispose]();
  });

  const open = async (path: string, locale = "en-GB", width = 1280) => {
    const guarded = await openGuardedPage(browser, { locale, viewport: { width, height: 800 } });
    await guarded.page.route("**/api/**", answer);
    await guarded.page.goto(`${up.url}/#/${path}`);
    return guarded;
  };

  test.each([390, 1280])("a learned limit is shown with the allowed one, %i pixels wide", async (width) => {
    const { page, close } = await open("", "en-GB", width);
    await expectEventually(() => page.locator(".meter").first().innerText()).toMatch(
      /^299 of 215\s+139 %\s+lowered from 400, manual$/,
    );
    await close();
  });

  test("shows a paused queue, the spend of the last day, and recently ended runs, but no empty queue", async () => {
    const { page, close } = await open("");
    const stats = page.locator(".stat");
    await expectEventually(() => stats.nth(1).innerText()).toContain("Queue paused in bull-board: q-full");
    await expectEventually(() => stats.nth(2).innerText()).toMatch(
      /spent by active runs, 0\.40 CNY expected\n0\.50 CNY in the last 24 hours/,
    );
    const recentlyFinished = page.locator(".card", { hasText: "Ended in the last hour" });
    await expectEventually(() => recentlyFinished.locator(".status-badge").getAttribute("class")).toBe(
      "status-badge error",
    );
    const providers = page.locator(".card", { hasText: "Providers" });
    await providers.getByText("chat, bulk: 3 waiting, 0 active, paused").waitFor();
    expect(await providers.getByText("interactive").count()).toBe(0);
    await close();
  });

  test("the URL of the overview contains the time range of its charts", async () => {
    const { page, close } = await open("?range=day");
    const range = (name: string) => page.getByRole("button", { name });
    await expectEventually(() => range("Last day").getAttribute("aria-pressed")).toBe("true");
    await range("Last hour").click();
    await expectEventually(() => page.url()).toBe(`${up.url}/#/`);
    const asked = page.waitForRequest(/api\/history\?span=day/);
    await range("Last day").click();
    await asked;
    expect(page.url()).toBe(`${up.url}/#/?range=day`);
    await page.goto(up.url);
    await range("Last day").click();
    await expectEventually(() => page.url()).toBe(`${up.url}/#/?range=day`);
    await close();
  });

  test("shows twenty causes, then all; the catch-all cause has no message of its own", async () => {
    const { page, close } = await open("runs/e-1");
    const shown = page.locator(".failure-cause");
    await expectEventually(() => shown.count()).toBe(20);
    await shown.first().getByText("Other causes that are not counted separately").waitFor();
    await page.getByRole("button", { name: "Show all 45" }).click();
    await expectEventually(() => shown.count()).toBe(45);
    await close();
  });

  test("bidirectional control characters are made visible, also in the window title", async () => {
    const { page, close } = await open("runs/e-1");
    await page.getByRole("heading", { level: 1, name: "[U+202E]srotcev" }).waitFor();
    expect(await page.title()).toBe("[U+202E]srotcev · Sluice");
    await close();
  });

  test("a finished run shows its average rate and its duration", async () => {
    const { page, close } = await open("runs/e-1");
    const details = page.locator(".description-list").first();
    await expectEventually(() => details.innerText()).toMatch(/Rate\s+5\/s\s+average/);
    await expectEventually(() => details.innerText()).toMatch(/Duration\s+20 s/);
    await page.getByText("0 of 3 succeeded, 3 failed again.").waitFor();
    await close();
  });

  test("chats that can be followed come first, and the counts show the others", async () => {
    const { page, close } = await open("live");
    await page.getByText("201 in progress · 2 answering · showing 100 of 201").waitFor();
    await expectEventually(() => page.locator("tbody tr").count()).toBe(20);
    await expectEventually(() => page.locator("tbody tr").first().innerText()).toMatch(
      /c-streams[\s\S]*answering[\s\S]*attempt 2[\s\S]*Follow chat/,
    );
    await page.getByRole("button", { name: "Show all 100" }).click();
    await page.locator("tbody tr").nth(99).waitFor();
    await close();
  });

  test("server messages are shown in Chinese", async () => {
    const { page, close } = await open("runs/e-1", "zh-CN");
    await page.getByText("部分条目再次失败。").waitFor();
    await page.getByText("运行文件夹在另一台机器上。").first().waitFor();
    await page.getByText("认证失败").first().waitFor();
    const text = await page.locator("#main").innerText();
    expect(text).not.toMatch(/another machine|failed again|\bauth\b/);
    await close();
  });
});
