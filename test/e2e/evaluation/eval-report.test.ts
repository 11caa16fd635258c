import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectEventually, hasBrowser, openBrowser, openGuardedPage } from "#test/support/dashboard/browser.ts";
import { XSS_PAYLOADS } from "#test/support/dashboard/xss-payloads.ts";
import { type AnswerServer, startAnswerServer } from "#test/support/evaluation/answer-server.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";

const HOSTILE_LABEL = `"><img src=x onerror=window.__executed=1>`;
const TEXTS = [...XSS_PAYLOADS, "W".repeat(10_000), "\u2028</script>\u0000\u202E"];

/** The number that a question asks for is its own. Every fifth answer is refused or without a number, and "bad" is wrong otherwise. */
function answer(question: string, model: string) {
  const i = Number(/^(\d+)/.exec(question)?.[1]);
  if (i % 10 === 3) return { refusal: `I cannot help with ${question.slice(0, 200)}` };
  if (i % 10 === 8) return { text: "I do not know." };
  return { text: `${TEXTS[i]} I think the answer is ${model === "good" ? i : i + 1}.` };
}

const SPEC = `name: "</title><script>window.__executed=1</script>"
datasets:
  - { path: rows.jsonl, target: answer, groups: [topic] }
prompts: [{ user: "{{ question }}" }]
models:
  - local/good
  - { model: local/bad, label: '${HOSTILE_LABEL}' }
scorers: { accuracy: numeric }
baseline: local/good
`;

describe.skipIf(!hasBrowser)("report.html", () => {
  let answers: AnswerServer;
  let sandbox: CliSandbox;
  let files: Server;
  let browser: Browser;

  beforeAll(async () => {
    answers = await startAnswerServer(answer);
    sandbox = await CliSandbox.open();
    const model = "{ kind: chat, limits: { concurrency: 8 } }";
    sandbox.write(
      "sluice.yaml",
      `compatible:\n  local:\n    baseUrl: ${answers.baseUrl}\n    models:\n      good: ${model}\n      bad: ${model}\n`,
    );
    const rows = TEXTS.map((text, i) => ({
      id: `${i}`,
      question: `${i} ${text}`,
      answer: i,
      topic: i < 9 ? "<b>" : "x",
    }));
    sandbox.write("rows.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    sandbox.write("spec.yaml", SPEC);
    expect(await sandbox.run(["eval", "spec.yaml", "--out", "out"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("report.html"),
    });
    files = createServer(({ url = "" }, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end(readFileSync(sandbox.path("out", url.slice(1))));
    });
    files.listen(0, "127.0.0.1");
    await once(files, "listening");
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    files?.close();
    await sandbox?.[Symbol.asyncDispose]();
    await answers?.[Symbol.asyncDispose]();
  });

  /** A report whose rows are loaded. */
  async function open(options: BrowserContextOptions = {}, file = "report.html") {
    const guarded = await openGuardedPage(browser, options);
    await guarded.page.goto(`http://127.0.0.1:${(files.address() as AddressInfo).port}/${file}`);
    await expectEventually(() => readCount(guarded.page)).toContain(String(TEXTS.length));
    return guarded;
  }

  const readCount = (page: Page) => page.locator("#answers .card-actions").innerText();
  const choose = (page: Page, label: string, option: string) =>
    page
      .locator("#answers label")
      .filter({ has: page.locator(`span:text-is("${label}")`) })
      .locator("select")
      .selectOption({ label: option });

  test("shows scores, hostile texts as text, and answers side by side; filters and searches", async () => {
    const { page, getViolations, close } = await open();
    const found = TEXTS.map((_, i) => i % 10).filter((i) => i !== 3 && i !== 8).length;
    await expectEventually(() => page.locator("#scores tbody tr").first().innerText()).toContain("100.0 %");
    expect(await page.locator("#scores tbody tr").nth(1).innerText()).toContain(HOSTILE_LABEL);
    expect(await page.locator("#comparisons").innerText()).toContain("is worse than local/good");
    expect(await page.locator("#groups svg").count()).toBe(1);
    await choose(page, "Result", "Wrong, or below 0.5");
    await expectEventually(() => readCount(page)).toBe(`${found} of ${TEXTS.length} rows`);
    await choose(page, "Model", "local/good");
    await expectEventually(() => page.locator("#answers").innerText()).toContain("No row matches the filter.");
    await page.getByRole("button", { name: "Reset filter" }).click();
    await page.getByLabel("Search").fill("scr<script>ipt");
    await expectEventually(() => readCount(page)).toBe(`1 of ${TEXTS.length} rows`);
    await page.locator("#answers .row-button").click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.innerText()).toContain(TEXTS.find((text) => text.includes("scr<script>ipt")));
    expect(await dialog.locator(".answer-column").nth(1).locator("mark").allInnerTexts()).toEqual(["12"]);
    await dialog.getByRole("button", { name: "Close" }).click();
    await choose(page, "Result", "Refused");
    await page.getByLabel("Search").fill("");
    const refused = TEXTS.filter((_, i) => i % 10 === 3).length;
    await expectEventually(() => readCount(page)).toBe(`${refused} of ${TEXTS.length} rows`);
    expect(await getViolations()).toEqual([]);
    await close();
  });

  test("opens every row without executing or requesting anything, and saves charts", async () => {
    const { page, getViolations, close } = await open();
    await page.locator("#answers .row-button").first().click();
    for (let i = 1; i < TEXTS.length; i += 1) {
      await page.keyboard.press("ArrowRight");
      await expectEventually(() => page.locator("#row-title").innerText()).toBe(`${i}`);
    }
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    for (const format of ["SVG", "PNG"]) {
      const download = page.waitForEvent("download");
      await page
        .getByRole("button", { name: `Save chart as ${format}` })
        .first()
        .click();
      expect((await download).suggestedFilename()).toBe(`accuracy-mean-score-with-interval.${format.toLowerCase()}`);
      const content = readFileSync(await (await download).path());
      if (format === "PNG") expect(content.subarray(1, 4).toString("latin1")).toBe("PNG");
      // Other programs do not know the variables of the page.
      else expect(content.toString("utf8")).toMatch(/^<svg (?!.*var\().*local\/good.*<\/svg>$/s);
    }
    // Charts become images through data: URLs.
    expect((await getViolations()).filter((violation) => !/^request to (?:data|blob):/.test(violation))).toEqual([]);
    await close();
  });

  test("speaks Chinese, fits on a phone, and is dark", async () => {
    const phone = { viewport: { width: 360, height: 740 }, locale: "zh-CN", colorScheme: "dark" } as const;
    const { page, getViolations, close } = await open(phone);
    expect(await page.locator("h2").first().innerText()).toBe("得分");
    await page.locator("#answers .row-button").first().click();
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
    await page.getByRole("button", { name: "关闭" }).click();
    await page.getByRole("button", { name: "English" }).click();
    await expectEventually(() => page.locator("h2").first().innerText()).toBe("Scores");
    const background = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    expect(background).toBe("rgb(13, 19, 22)");
    expect(await getViolations()).toEqual([]);
    await close();
  });

  test("report compares folders, and opens in the language asked for; what it cannot read is named", async () => {
    const compare = ["report", "out", "out", "--model", HOSTILE_LABEL, "--baseline-model", "local/good"];
    const written = await sandbox.run([...compare, "--lang", "zh", "--out", "out/comparison.html", "--json"]);
    expect(written.code).toBe(0);
    expect(JSON.parse(written.stdout)).toMatchObject({
      file: "out/comparison.html",
      rows: { included: 2 * TEXTS.length },
    });
    const { page, getViolations, close } = await open({}, "comparison.html");
    expect(await page.locator("#comparisons tbody tr").allInnerTexts()).toEqual([
      expect.stringContaining("不如 local/good"),
    ]);
    expect(await getViolations()).toEqual([]);
    await close();
    expect(await sandbox.run(["report", "none"])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^sluice: none\/results\.json: cannot be read/),
    });
  });
});
