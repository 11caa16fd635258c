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
import { type CliProcess, CliSandbox, hasProgressedTo } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText } from "#test/support/runs/corpus.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

const ITEMS = 400;
// None of the bad inputs is in the first calls, so that these show progress before the gate closes.
const FILTERED = [177, 251, 300];
const REFUSED = [212];
const filter = { text: "forbidden", action: { type: "code", code: 1026 } } as const;
const refuse = { text: "broken", action: { type: "code", code: 2013 } } as const;

describe.skipIf(!hasBrowser)("run actions in the browser", () => {
  let sandbox: CliSandbox;
  let up: DashboardProcess;
  let browser: Browser;
  let guarded: GuardedPage;
  let embed: CliProcess;
  /** Lets the calls that are held be answered. */
  let release: () => void;

  beforeAll(async () => {
    sandbox = await CliSandbox.open({
      limits: { requestsPerMinute: 100_000, concurrency: 1 },
      latency: { fixedMs: 300 },
      faults: [filter, refuse],
    });
    const text = (n: number) =>
      buildCorpusText(n) + (FILTERED.includes(n) ? " forbidden" : REFUSED.includes(n) ? " broken" : "");
    const lines = Array.from({ length: ITEMS }, (_, n) => JSON.stringify({ id: `c-${n}`, text: text(n) }));
    sandbox.write("corpus.jsonl", `${lines.join("\n")}\n`);
    up = await startDashboardProcess(sandbox, { workers: 1 });
    browser = await openBrowser();
    guarded = await openGuardedPage(browser);
    const args = ["corpus.jsonl", "--out", "vectors", "--format", "jsonl", "--workers", "0", "--json"];
    release = sandbox.simulator.hold(5);
    embed = sandbox.embed(args);
    await embed.event(hasProgressedTo(0.01), "progress");
    await guarded.page.goto(`${up.url}/#/runs/${await waitForRun(up.url, "vectors")}`);
  });

  afterAll(async () => {
    await browser?.close();
    await sandbox?.[Symbol.asyncDispose]();
  });

  const confirm = async (name: string) => {
    await guarded.page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
    await expectEventually(() => guarded.page.getByRole("dialog").count()).toBe(0);
  };
  const calls = () => sandbox.simulator.statistics().calls;

  test("cancelling the dialog changes nothing", async () => {
    const { page } = guarded;
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog").getByText("Calls in flight finish").waitFor();
    await confirm("Cancel");
    const before = calls();
    const next = sandbox.simulator.hold(4);
    release();
    release = next;
    await expectEventually(calls).toBeGreaterThan(before + 2);
  });

  test("pause stops calls, and resume starts them again", async () => {
    const { page } = guarded;
    await page.getByRole("button", { name: "Pause" }).click();
    await confirm("Pause run");
    await page.getByRole("button", { name: "Resume" }).waitFor();
    await page.locator(".page-title").getByText("paused").waitFor();
    release();
    const pausedCalls = await waitForStableCallCount(calls);
    expect(pausedCalls).toBeLessThan(ITEMS / 10);
    await page.getByRole("button", { name: "Resume" }).click();
    await confirm("Resume run");
    await page.locator(".page-title").getByText("running").waitFor();
    await expectEventually(calls).toBeGreaterThan(pausedCalls);
  });

  test("failures are grouped by cause, and one cause is retried alone", async () => {
    const { page } = guarded;
    sandbox.simulator.configure({ latency: { fixedMs: 0 } });
    expect(await embed.exit).toMatchObject({ code: 1 });
    await page.locator(".page-title").getByText("finished").waitFor();
    const causes = page.locator(".failure-cause");
    await expectEventually(() => causes.count()).toBe(2);
    await expectEventually(() => causes.first().innerText()).toMatch(/^3\s+content filter/);
    sandbox.simulator.configure({ faults: [refuse] });
    const before = sandbox.simulator.statistics().texts;
    await causes
      .first()
      .getByRole("button", { name: /^Retry/ })
      .click();
    await page.getByRole("dialog").getByText("Retry 3 failed items?").waitFor();
    await confirm("Retry items");
    await page.getByText("retry finished").waitFor();
    await page.getByText("3 of 3 succeeded, 0 failed again.").waitFor();
    await expectEventually(() => causes.count()).toBe(1);
    expect(sandbox.simulator.statistics().texts - before).toBe(FILTERED.length);
    expect(readJsonl(sandbox.path("vectors", "errors.jsonl"))).toMatchObject([{ id: "c-212" }]);
  });

  test("lists the items of a cause, and going back from an item shows the list again", async () => {
    const { page } = guarded;
    await page.locator(".failure-cause").first().getByRole("button", { name: "Show items", exact: true }).click();
    const found = page.locator("#items tbody tr");
    await expectEventually(() => found.allInnerTexts()).toEqual([expect.stringMatching(/^c-212\b/)]);
    await found.getByRole("link").click();
    await expectEventually(() => page.getByRole("heading", { level: 1 }).innerText()).toBe("c-212");
    await page.locator("pre.raw-text").first().waitFor();
    await page.goBack();
    await expectEventually(() => found.allInnerTexts()).toEqual([expect.stringMatching(/^c-212\b/)]);
    expect(await page.locator("select[name=kind]").inputValue()).toBe("invalid-request");
  });

  test("finds the failed item by its text, exports all that match, and asks before it retries them", async () => {
    const { page } = guarded;
    await page.getByLabel("Search").fill("212");
    await page.locator("select[name=status]").selectOption("failed");
    await page.getByRole("button", { name: "Find items" }).click();
    const found = page.locator("#items tbody tr");
    await expectEventually(() => found.allInnerTexts()).toEqual([expect.stringMatching(/^c-212\b/)]);
    await page.getByRole("button", { name: "Tokens" }).click();
    await expectEventually(() => page.locator("th[aria-sort=ascending]").innerText()).toMatch(/^Tokens/);
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name: "Export all matching" }).click();
    expect(readJsonl(await (await download).path())).toMatchObject([{ id: "c-212", text: expect.any(String) }]);
    await page.getByRole("button", { name: "Retry all matching" }).click();
    await page.getByRole("dialog").getByText("Retry all failed items that match?").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  });

  test("exports a cause with one line per item", async () => {
    const { page } = guarded;
    const download = page.waitForEvent("download");
    await page.locator(".failure-cause").first().getByRole("link", { name: "Export failures", exact: true }).click();
    const path = await (await download).path();
    expect(readJsonl(path)).toMatchObject([{ index: 212, id: "c-212", failure: { kind: "invalid-request" } }]);
  });

  test("changed limits of a lane are shown as manual", async () => {
    const { page } = guarded;
    await page.getByRole("link", { name: "Overview", exact: true }).click();
    await page.getByRole("button", { name: "Change limits of minimax/embo-01" }).click();
    // Without a value there is nothing to set.
    expect(await page.getByRole("dialog").getByRole("button", { name: "Set limits" }).isDisabled()).toBe(true);
    await page.getByRole("dialog").getByLabel("Requests/min").fill("1234");
    await confirm("Set limits");
    await expectEventually(() => page.getByRole("meter").first().getAttribute("aria-valuetext")).toMatch(
      /of 1,234; manual$/,
    );
    await page.locator(".meter").first().getByText("manual", { exact: true }).waitFor();
  });

  test("the audit log lists all actions in order", async () => {
    const { page } = guarded;
    await page.getByRole("link", { name: "Audit", exact: true }).click();
    await expectEventually(async () =>
      (await page.locator("tbody tr td:nth-child(3)").allInnerTexts()).toReversed(),
    ).toEqual([
      ...["Pause run", "Resume run", "Retry items", "View item", "Search item texts", "Search item texts"],
      ...["Export items", "Export items", "Change limits"],
    ]);
    const targets = page.locator("tbody tr td:nth-child(4)");
    for (const target of await targets.all()) {
      const text = await target.locator("bdi").boundingBox();
      // A target takes one or two lines and is not broken after every letter.
      expect(text?.height).toBeLessThan(50);
    }
    await page.getByRole("cell", { name: "Requests/min 1,234" }).waitFor();
    expect(await guarded.getViolations()).toEqual([]);
  });
});

/** Waits until no call has been made for longer than any call takes, and returns the number of calls. */
async function waitForStableCallCount(calls: () => number): Promise<number> {
  let [seen, since] = [calls(), Date.now()];
  await expectEventually(() => {
    const now = calls();
    if (now !== seen) [seen, since] = [now, Date.now()];
    return Date.now() - since > 1_500;
  }).toBe(true);
  return seen;
}
