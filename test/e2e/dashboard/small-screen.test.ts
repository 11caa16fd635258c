import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectEventually, hasBrowser, openBrowser, openGuardedPage } from "#test/support/dashboard/browser.ts";
import { type DashboardProcess, startDashboardProcess, waitForRun } from "#test/support/dashboard/dashboard-process.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";

const LONG = "a-name-without-any-place-to-break-it-".repeat(5);

describe.skipIf(!hasBrowser)("screen sizes, languages, and themes", () => {
  let sandbox: CliSandbox;
  let dashboard: DashboardProcess;
  let browser: Browser;
  let run: string;

  beforeAll(async () => {
    sandbox = await CliSandbox.open({
      faults: [{ text: "forbidden", action: { type: "code", code: 1026 } }],
    });
    const lines = [
      { id: LONG, text: "the sea" },
      { id: `${LONG}2`, text: "forbidden" },
    ];
    sandbox.write("corpus.jsonl", lines.map((line) => JSON.stringify(line)).join("\n"));
    dashboard = await startDashboardProcess(sandbox, { workers: 1 });
    await sandbox.embed(["corpus.jsonl", "--out", LONG, "--workers", "0", "--with-text"]).exit;
    run = await waitForRun(dashboard.url, LONG);
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await sandbox?.[Symbol.asyncDispose]();
  });

  const pages = () => ["", "runs", `runs/${run}`, `runs/${run}/items/1`, "live", "search", "queues", "audit"];

  /** By how many pixels the page is wider than the window. */
  const overhang = (page: Page) => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");

  test.each([360, 768, 1280])("no page is wider than a window of %i pixels", async (width) => {
    const { page, getViolations, close } = await openGuardedPage(browser, {
      viewport: { width, height: 740 },
    });
    for (const path of pages()) {
      await page.goto(`${dashboard.url}/#/${path}`);
      await page.locator("#main .card, #main .headline").first().waitFor();
      await expectEventually(() => page.getByText("Loading…").count()).toBe(0);
      expect({ path, overhang: await overhang(page) }).toEqual({ path, overhang: 0 });
    }
    expect(await getViolations()).toEqual([]);
    await close();
  });

  test("controls are large enough for touch", async () => {
    const { page, close } = await openGuardedPage(browser, { viewport: { width: 390, height: 740 } });
    for (const path of pages()) {
      await page.goto(`${dashboard.url}/#/${path}`);
      await page.locator("#main .card").first().waitFor();
      await expectEventually(() => page.getByText("Loading…").count()).toBe(0);
      const small = await page
        .locator(
          "button:visible:not(.skip-link), select:visible, td a:visible, nav a:visible, .card-actions > a:visible",
        )
        .evaluateAll((elements) =>
          elements
            .map((element) => {
              const { width, height } = (
                element as unknown as { getBoundingClientRect(): { width: number; height: number } }
              ).getBoundingClientRect();
              return { name: element.textContent, width, height };
            })
            .filter(({ width, height }) => width < 24 || height < 24),
        );
      expect({ path, small }).toEqual({ path, small: [] });
    }
    await close();
  });

  test("Chinese browsers get every page in Chinese, and the selected language is remembered", async () => {
    const { page, close } = await openGuardedPage(browser, { locale: "zh-CN" });
    await page.goto(`${dashboard.url}/#/runs/${run}`);
    await page.getByRole("heading", { name: "按原因归类的失败" }).waitFor();
    expect(await page.locator("html").getAttribute("lang")).toBe("zh-CN");
    for (const path of pages()) {
      await page.goto(`${dashboard.url}/#/${path}`);
      await page.locator("#main h1").waitFor();
      await page.locator("#main .card").first().waitFor();
      expect(await englishWords(page)).toEqual([]);
      // Provider messages and commands are not translated; all texts of the dashboard itself are Chinese.
      const provider = "the input was rejected by the content filter (code 1026)";
      const sentences = (await englishSentences(page)).filter(
        (text) => !text.endsWith(provider) && !text.startsWith("sluice "),
      );
      expect({ path, sentences }).toEqual({ path, sentences: [] });
    }
    await page.getByRole("button", { name: "EN" }).click();
    await page.reload();
    await page.getByRole("link", { name: "Overview", exact: true }).waitFor();
    await close();
  });

  test.each(["light", "dark"] as const)(
    "the %s theme follows the system until another one is selected",
    async (theme) => {
      const { page, close } = await openGuardedPage(browser, { colorScheme: theme });
      await page.goto(dashboard.url);
      await page.locator(".headline").waitFor();
      const background = () => page.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor");
      const isDark = async () => Number(/\d+/.exec(await background())?.[0]) < 100;
      expect(await isDark()).toBe(theme === "dark");
      await page.getByRole("button", { name: theme === "dark" ? "Light" : "Dark", exact: true }).click();
      expect(await isDark()).toBe(theme !== "dark");
      await page.reload();
      await page.locator(".headline").waitFor();
      expect(await isDark()).toBe(theme !== "dark");
      await close();
    },
  );
});

/** Untrusted texts and notes with three English words in a row, in which untranslated texts might hide. */
async function englishSentences(page: Page): Promise<string[]> {
  const texts = await page.locator("#main bdi, #main .note p, .notices p").allInnerTexts();
  return texts.filter((text) => /[A-Za-z]+ [a-z]+ [a-z]+/.test(text));
}

/** Untranslated English words of the page, except for names, ids, file names, commands, and messages. */
async function englishWords(page: Page): Promise<string[]> {
  const text = await page.evaluate<string>(`(() => {
    const copy = document.body.cloneNode(true);
    for (const part of copy.querySelectorAll("noscript, bdi, code, pre, select[name=run], option, .brand, .footer, .mono, .note"))
      part.remove();
    return copy.innerText;
  })()`);
  const allowed =
    /^(?:Redis|BullMQ|bull-board|EN|CNY|USD|p50|p95|MB|GB|KB|Sluice|parquet|jsonl|embo|with|text|bull-boardbull-board)$/;
  return (text.match(/[A-Za-z][A-Za-z-]{2,}/g) ?? []).filter((word) => !allowed.test(word));
}
