import { expect, test } from "vitest";
import type { EvaluationList } from "#src/dashboard/evaluations/evaluation-api.ts";
import { expectEventually, hasBrowser, openBrowser, openGuardedPage } from "#test/support/dashboard/browser.ts";
import { startDashboardProcess } from "#test/support/dashboard/dashboard-process.ts";
import { startAnswerServer } from "#test/support/evaluation/answer-server.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";

const HOSTILE = "<img src=x onerror='window.__executed=1'>";

/** Model "good" knows all answers, "bad" every other one. */
async function openSandbox() {
  const server = await startAnswerServer((asked, model) => {
    const n = Number(asked);
    return { text: model === "good" || n % 2 === 0 ? `It is ${n + 1}.` : "It is 0." };
  });
  const sandbox = await CliSandbox.open();
  const chat = "{ kind: chat, limits: { concurrency: 8 } }";
  sandbox.write(
    "sluice.yaml",
    `compatible:\n  local:\n    baseUrl: ${server.baseUrl}\n    models: { good: ${chat}, bad: ${chat} }\n`,
  );
  sandbox.write("rows.jsonl", Array.from({ length: 20 }, (_, n) => `${JSON.stringify({ n, next: n + 1 })}\n`).join(""));
  const spec = { datasets: [{ path: "rows.jsonl", target: "next" }], prompts: [{ user: "{{ n }}" }] };
  sandbox.write(
    "spec.yaml",
    JSON.stringify({ ...spec, name: HOSTILE, models: ["local/good", "local/bad"], scorers: { accuracy: "numeric" } }),
  );
  return {
    sandbox,
    async [Symbol.asyncDispose]() {
      await sandbox[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("scores are listed by question and model, over time, and on the page of the run", async () => {
  await using opened = await openSandbox();
  const { sandbox } = opened;
  expect(await sandbox.run(["eval", "spec.yaml", "--out", "first"])).toMatchObject({ code: 0 });
  expect(await sandbox.run(["eval", "spec.yaml", "--out", "second", "--models", "local/bad"])).toMatchObject({
    code: 0,
  });
  const up = await startDashboardProcess(sandbox);
  const { evaluations } = (await (await fetch(`${up.url}/api/evaluations`)).json()) as EvaluationList;
  expect(evaluations).toMatchObject([
    { folder: "second", name: HOSTILE, models: ["local/bad"], samples: 20, scores: [{ mean: 0.5, items: 20 }] },
    {
      folder: "first",
      models: ["local/good", "local/bad"],
      samples: 40,
      scores: [
        { model: "local/good", mean: 1, unparseable: 0 },
        { model: "local/bad", mean: 0.5, interval: { low: expect.any(Number), high: expect.any(Number) } },
      ],
    },
  ]);
  expect((await fetch(`${up.url}/api/evaluations/c-20200101-nosuch00`)).status).toBe(404);
  if (!hasBrowser) return;
  const browser = await openBrowser();
  try {
    const { page, getViolations } = await openGuardedPage(browser);
    await page.goto(`${up.url}/#/evaluations`);
    const cells = page.locator(".card").first().locator("tbody tr td");
    await expectEventually(() => cells.allInnerTexts()).toEqual([
      "rows, accuracy",
      expect.stringMatching(/^50\.0 %\n29\.9 % to 70\.1 %$/),
      expect.stringMatching(/^100\.0 %\n83\.9 % to 100\.0 %$/),
    ]);
    await page.locator("figure.chart").waitFor();
    await page.getByRole("link", { name: "100.0 %" }).click();
    await page.getByRole("heading", { name: "first" }).waitFor();
    const scores = page.locator(".card", { hasText: "Unparseable" }).locator("tbody tr");
    await expectEventually(() => scores.count()).toBe(2);
    expect(await getViolations()).toEqual([]);
  } finally {
    await browser.close();
  }
});
