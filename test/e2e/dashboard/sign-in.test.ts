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
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";

const VIEWER = "viewer-password-1";
const OPERATOR = "operator-password-1";

describe.skipIf(!hasBrowser)("a dashboard behind passwords", () => {
  let sandbox: CliSandbox;
  let dashboard: DashboardProcess;
  let browser: Browser;
  let guarded: GuardedPage;

  beforeAll(async () => {
    sandbox = await CliSandbox.open({
      faults: [{ text: "forbidden", action: { type: "code", code: 1026 } }],
    });
    sandbox.write("corpus.jsonl", '{"id":"a","text":"the sea"}\n{"id":"b","text":"forbidden"}\n');
    dashboard = await startDashboardProcess(sandbox, {
      workers: 1,
      env: { SLUICE_VIEWER_PASSWORD: VIEWER, SLUICE_OPERATOR_PASSWORD: OPERATOR },
    });
    await sandbox.embed(["corpus.jsonl", "--out", "vectors", "--workers", "0"]).exit;
    browser = await openBrowser();
    guarded = await openGuardedPage(browser);
  });

  afterAll(async () => {
    await browser?.close();
    await sandbox?.[Symbol.asyncDispose]();
  });

  const signIn = async (password: string, name = "") => {
    await guarded.page.getByLabel("Password").fill(password);
    await guarded.page.getByLabel(/Your name/).fill(name);
    await guarded.page.getByRole("button", { name: "Sign in" }).click();
  };

  test("nothing is shown or served before signing in", async () => {
    const { page } = guarded;
    await page.goto(`${dashboard.url}/#/runs`);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await page.getByRole("navigation").count()).toBe(0);
    for (const path of ["api/overview", "api/runs", "api/events", "queues/", "metrics"])
      expect((await fetch(`${dashboard.url}/${path}`, { redirect: "manual" })).status).not.toBe(200);
  });

  test("a wrong password shows a message", async () => {
    await signIn("wrong-password-1");
    await guarded.page.getByText("Wrong password.").waitFor();
  });

  test("viewers see no buttons for actions", async () => {
    const { page } = guarded;
    await signIn(VIEWER, "ada");
    await page.getByRole("link", { name: "vectors" }).click();
    await expectEventually(() => page.locator(".failure-cause").count()).toBe(1);
    await page.getByText("ada viewer").waitFor();
    for (const name of [/^Retry/, /^Pause/, /^Cancel/, /^Change/, /^Reopen/, /^Show text/, /^Rename/, /^Delete/])
      expect(await page.getByRole("button", { name }).count()).toBe(0);
    expect(await page.getByRole("link", { name: "Export failures", exact: true }).count()).toBe(1);
    await page.locator(".failure-cause a").first().click();
    await page.getByText(/Masked: \d+ characters/).waitFor();
    expect(await page.getByRole("button", { name: "Show text" }).count()).toBe(0);
  });

  test("the cookie is HttpOnly and SameSite=Strict", async () => {
    const cookies = await guarded.page.context().cookies();
    expect(cookies).toMatchObject([{ httpOnly: true, sameSite: "Strict" }]);
    expect(await guarded.page.evaluate("document.cookie")).toBe("");
  });

  test("signing out shows the sign-in page, and operators see the buttons", async () => {
    const { page } = guarded;
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await signIn(OPERATOR, "grace");
    await page.goto(`${dashboard.url}/#/runs`);
    await page.getByRole("link", { name: "vectors" }).click();
    await page.getByRole("button", { name: "Retry failed items" }).waitFor();
    await page.locator(".failure-cause a").first().click();
    await page.getByText(/Masked: \d+ characters/).waitFor();
    await page.getByRole("button", { name: "Show text" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Show text" }).click();
    await page.locator("pre.raw-text").waitFor();
    await page.getByRole("link", { name: "Audit", exact: true }).click();
    await expectEventually(() => page.locator("tbody tr").first().innerText()).toMatch(/grace operator\s+View item/);
    expect(await guarded.getViolations()).toEqual([]);
  });

  test("a session that has ended on the server shows the sign-in page", async () => {
    const { page } = guarded;
    await page.context().clearCookies();
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
  });
});
