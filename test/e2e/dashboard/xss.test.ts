import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page, Route } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  expectEventually,
  type GuardedPage,
  hasBrowser,
  openBrowser,
  openGuardedPage,
} from "#test/support/dashboard/browser.ts";
import { type DashboardProcess, startDashboardProcess, waitForRun } from "#test/support/dashboard/dashboard-process.ts";
import { XSS_PAYLOADS } from "#test/support/dashboard/xss-payloads.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";

const FOLDER = `"><img src=x onerror=window.__executed=1>'`;
const REFUSED = "refuse this";
const MODEL = "openai/gpt-4o-mini";

describe.skipIf(!hasBrowser)("XSS payloads are rendered as text", () => {
  let sandbox: CliSandbox;
  let upstream: Server;
  let up: DashboardProcess;
  let browser: Browser;
  let guarded: GuardedPage;
  let run: string;
  /** Resolved when the streamed chat is followed, so that its stream continues. */
  const followed = Promise.withResolvers<void>();

  beforeAll(async () => {
    upstream = await startEcho(followed.promise);
    const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`;
    sandbox = await CliSandbox.open({ env: { OPENAI_BASE_URL: url, OPENAI_API_KEY: "a-key-of-a-test" } });
    sandbox.write(
      "requests.jsonl",
      [...XSS_PAYLOADS, REFUSED]
        .map((text, n) =>
          JSON.stringify({
            custom_id: `${n}${text}`.slice(0, 200),
            method: "POST",
            url: "/v1/chat/completions",
            body: { model: MODEL, messages: [{ role: "user", content: `${n} ${text}` }] },
          }),
        )
        .join("\n"),
    );
    up = await startDashboardProcess(sandbox, { workers: 1 });
    const batch = await sandbox.run(["batch", "requests.jsonl", "--out", FOLDER, "--workers", "0"]);
    // One request fails, so that the run keeps its work folder and with it the requests.
    expect(batch).toMatchObject({ code: 1 });
    run = await waitForRun(up.url, FOLDER);
    browser = await openBrowser();
    guarded = await openGuardedPage(browser);
  });

  afterAll(async () => {
    await browser?.close();
    await sandbox?.[Symbol.asyncDispose]();
    upstream?.close();
  });

  test("there are more than sixty payloads", () => {
    expect(new Set(XSS_PAYLOADS).size).toBeGreaterThan(60);
  });

  test("as folder names and item ids", async () => {
    const { page } = guarded;
    await page.goto(`${up.url}/#/runs`);
    await page.getByRole("link", { name: FOLDER }).click();
    await expectEventually(() => page.getByRole("heading", { level: 1 }).innerText()).toBe(FOLDER);
    await page.getByRole("button", { name: "Find items" }).click();
    await expectEventually(() => page.locator("tbody td.name").count()).toBeGreaterThanOrEqual(50);
    expect(await guarded.getViolations()).toEqual([]);
  });

  test("as requests and answers of single items", async () => {
    const { page } = guarded;
    for (const [index, text] of XSS_PAYLOADS.entries()) {
      await page.goto(`${up.url}/#/runs/${run}/items/${index}`);
      const shown = page.locator("pre.raw-text");
      await expectEventually(async () => ({ index, shown: await shown.count() })).toEqual({
        index,
        shown: 2,
      });
      expect(await shown.nth(0).textContent()).toContain(JSON.stringify(text).slice(1, -1));
      expect(await shown.nth(1).textContent()).toContain(text);
    }
    expect(await guarded.getViolations()).toEqual([]);
  });

  test("as tokens of a streamed chat", async () => {
    const { page } = guarded;
    await page.goto(`${up.url}/#/live`);
    const chat = sandbox.start(["chat", "all of them", "--model", MODEL, "--workers", "0"]);
    await page.getByRole("button", { name: "Follow chat" }).click();
    await expectEventually(() => page.locator(".followed-chat").textContent()).toContain(XSS_PAYLOADS[0]);
    followed.resolve();
    await expectEventually(() => page.locator(".followed-chat").textContent()).toContain(XSS_PAYLOADS.at(-1));
    await chat.exit;
    expect(await guarded.getViolations()).toEqual([]);
  });

  test.each(["overview", "runs", "run", "item", "live", "search", "queues", "audit"])(
    "as every text that the server could ever send to the page %s",
    async (name) => {
      const poisoned = await openGuardedPage(browser, { viewport: { width: 360, height: 740 } });
      let turn = 0;
      await poisoned.page.route("**/api/**", (route) =>
        fulfillWithPayloads(route, () => XSS_PAYLOADS[turn++ % XSS_PAYLOADS.length] ?? ""),
      );
      for (let round = 0; round < 3; round++) {
        await poisoned.page.goto(`${up.url}/${ADDRESSES[name]}`);
        await poisoned.page.locator("#main h1").first().waitFor({ state: "attached" });
        await poisoned.page.locator("bdi").first().waitFor({ state: "attached" });
        if (round === 0) await clickAll(poisoned.page);
        const overhang = await poisoned.page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
        expect({ round, overhang }).toEqual({ round, overhang: 0 });
        await poisoned.page.goto("about:blank");
      }
      expect(turn).toBeGreaterThan(10);
      expect(await poisoned.getViolations()).toEqual([]);
      await poisoned.close();
    },
  );
});

const ADDRESSES: Readonly<Record<string, string>> = {
  overview: "#/",
  runs: "#/runs",
  run: "#/runs/e-1",
  item: "#/runs/e-1/items/0",
  live: "#/live",
  search: "#/search",
  queues: "#/queues",
  audit: "#/audit",
};

/** Clicks all buttons: submits forms, opens dialogs, and confirms them. */
async function clickAll(page: Page): Promise<void> {
  const text = page.locator("input[name=text]");
  if ((await text.count()) > 0) await text.first().fill("x");
  for (const button of await page.locator("#main button:visible").all()) {
    await button.click({ timeout: 2_000 }).catch(() => {});
    const confirm = page.locator("dialog[open] button[type=submit]");
    if ((await confirm.count()) > 0) {
      await confirm.click({ timeout: 2_000 }).catch(() => {});
      await page.keyboard.press("Escape");
    }
  }
}

/** Fulfils API requests with valid answers in which every untrusted text is a payload. */
async function fulfillWithPayloads(route: Route, next: () => string): Promise<void> {
  const url = new URL(route.request().url());
  const answer = buildResponse(url.pathname, next);
  if (url.pathname !== "/api/events") return route.fulfill({ json: answer });
  const at = Date.now();
  const events = [
    ["health", { at, redis: { state: "ok" } }],
    ["overview", overview(next)],
    ["runs", runList(next)],
    ["run", runPage(next)],
    [
      "chats",
      {
        at,
        total: 1,
        chats: [{ item: next(), model: next(), queue: next(), startedAt: at, attempt: 1, isStreaming: true }],
      },
    ],
    ["records", { run: url.searchParams.get("records"), at, records: records(next) }],
    ["chat", { item: url.searchParams.get("chat"), type: "text", attempt: 1, delta: next() }],
    ["chat", { item: url.searchParams.get("chat"), type: "reasoning", attempt: 1, delta: next() }],
    ["chat", { item: url.searchParams.get("chat"), type: "end", failure: failure(next) }],
    ["refused", { topic: "chat", error: error(next) }],
  ];
  const body = events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join("");
  return route.fulfill({ contentType: "text/event-stream", body });
}

type NextPayload = () => string;

function buildResponse(path: string, next: NextPayload): unknown {
  const at = Date.now();
  if (path === "/api/session")
    return {
      at,
      role: "operator",
      userName: next(),
      isAuthDisabled: false,
      canOperate: true,
      version: next(),
      namespace: next(),
      host: next(),
    };
  if (path === "/api/runs") return runList(next);
  if (path === "/api/audit")
    return {
      lines: [1, 2, 3].map((id) => ({
        id: `${id}`,
        at,
        userName: next(),
        role: "viewer",
        action: next(),
        target: next(),
        detail: next(),
      })),
    };
  if (path.endsWith("/history"))
    return {
      stepMs: 1000,
      at: [at - 1000, at],
      lines: ["items", "tokens", "queue-depth", "cost"].flatMap((metric) => [
        { seriesKey: metric, metric, currency: "CNY", values: [1, 2] },
        { seriesKey: `${metric}:x`, metric, provider: next(), currency: "CNY", values: [1, 2] },
        { seriesKey: `${metric}:y`, metric, provider: next(), currency: "CNY", values: [1, 2] },
      ]),
    };
  if (path.endsWith("/causes"))
    return {
      at,
      total: 9,
      others: 0,
      causes: [1, 2, 3].map((id) => ({
        cause: `${id}`,
        kind: next(),
        code: next(),
        message: next(),
        count: 3,
        example: { index: id, id: next(), message: next() },
      })),
    };
  if (path.endsWith("/items"))
    return {
      searchedShare: 1,
      items: [1, 2, 3].map((index) => ({ index, id: next(), status: "failed", failure: failure(next) })),
    };
  if (path.endsWith("/reveal")) return { request: { text: next() }, response: { text: next() } };
  if (path.endsWith("/search"))
    return {
      model: next(),
      tookMs: 1,
      hits: [1, 2, 3].map((index) => ({ index, id: next(), score: 1, text: next() })),
    };
  if (/\/items\/\d+$/.test(path))
    return {
      at,
      run: next(),
      index: 0,
      id: next(),
      status: "failed",
      model: next(),
      origin: next(),
      failure: failure(next),
      answer: { finishReason: next() },
      history: [{ number: 1, outcome: "failed", lane: next(), worker: next(), failure: failure(next) }],
      request: { characters: 3 },
      response: { absentReason: next() },
    };
  return { error: error(next) };
}

const failure = (next: NextPayload) => ({ kind: next(), code: next(), message: next() });
const error = (next: NextPayload) => ({ code: "wrong-state", message: next(), hint: next() });
const share = { used: 1, allowed: 2 };
const lane = (next: NextPayload) => ({
  name: next(),
  provider: next(),
  account: next(),
  model: next(),
  state: "parked",
  reason: next(),
  requests: share,
  tokens: share,
  concurrency: share,
});
const summary = (next: NextPayload) => ({
  run: next(),
  kind: "embedding",
  model: next(),
  phase: "stopped",
  createdAt: 1,
  items: { total: 9, succeeded: 1, failed: 3 },
  cost: { spent: 1, expected: 2, currency: "CNY" },
  name: next(),
  host: next(),
});
const runList = (next: NextPayload) => ({
  at: Date.now(),
  total: 3,
  offset: 0,
  runs: [1, 2, 3].map(() => summary(next)),
});
const records = (next: NextPayload) =>
  [1, 2].map((index) => ({
    index,
    id: next(),
    at: 1,
    attempts: 1,
    tokens: 1,
    vector: index === 1 ? [0.5] : undefined,
    dimensions: index === 1 ? 2 : undefined,
    failure: index === 1 ? undefined : failure(next),
  }));
const runPage = (next: NextPayload) => ({
  ...summary(next),
  at: Date.now(),
  failuresByKind: {},
  lanes: [lane(next)],
  folder: { dir: next(), host: next(), isReadable: false, reason: next() },
  output: { format: "jsonl", files: [next(), next()] },
  stopped: { message: next(), hint: next() },
  actions: ["pause", "cancel", "window", "retry", "items", "rename", "delete"],
  givenName: next(),
  refusals: { retry: next() },
  retry: { action: "retry", state: "failed", startedAt: 1, userName: next(), message: next(), hint: next() },
});

function overview(next: NextPayload) {
  return {
    at: Date.now(),
    health: { at: Date.now(), redis: { state: "ok" } },
    lanes: [lane(next), lane(next)],
    providers: [
      {
        name: next(),
        errorsByKind: { [next()]: 3 },
        queues: [{ name: next(), kind: "chat", priority: "bulk", waiting: 3, active: 0, delayed: 1 }],
      },
    ],
    workers: [{ id: next(), state: "dead", host: next(), pid: 1, version: next(), seenAt: 1, queues: [next()] }],
    redis: { version: next(), isPrivate: true },
    runs: { byPhase: {}, active: [summary(next), summary(next)] },
    totals: {},
    latest: {},
  };
}

/**
 * A provider that answers with the payload whose number the request starts with, or else with all payloads. It streams the
 * first one, and the others when `isFollowed` resolves.
 */
async function startEcho(isFollowed: Promise<void>): Promise<Server> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      const { messages, stream, model } = JSON.parse(body);
      if (messages.at(-1).content.endsWith(REFUSED)) {
        response.writeHead(400, { "content-type": "application/json" });
        response.end(
          JSON.stringify({
            error: { message: XSS_PAYLOADS[0], type: XSS_PAYLOADS[1], code: XSS_PAYLOADS[2] },
          }),
        );
        return;
      }
      const number = /^\d+/.exec(messages.at(-1).content)?.[0];
      const texts = number === undefined ? XSS_PAYLOADS : [XSS_PAYLOADS[Number(number)] ?? ""];
      const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
      const head = { id: "x", created: 1, model };
      if (!stream) {
        const message = { role: "assistant", content: texts.join("\n") };
        response.setHeader("content-type", "application/json");
        response.end(
          JSON.stringify({
            ...head,
            object: "chat.completion",
            choices: [{ index: 0, message, finish_reason: "stop" }],
            usage,
          }),
        );
        return;
      }
      response.setHeader("content-type", "text/event-stream");
      const send = (delta: object, finish: string | null, extra = {}) =>
        response.write(
          `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }], ...extra })}\n\n`,
        );
      const [first, ...rest] = texts;
      send({ content: `${first}\n` }, null);
      void isFollowed.then(() => {
        for (const text of rest) send({ content: `${text}\n` }, null);
        send({}, "stop", { usage });
        response.end("data: [DONE]\n\n");
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
