import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";

const HOUR_MS = 3_600_000;
const ANSWER = { id: "c", model: "m", choices: [{ index: 0, message: { content: "hello" }, finish_reason: "stop" }] };

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** An upstream of the OpenAI protocol whose replies depend on the number of calls before. */
async function openUpstream(reply: (callsBefore: number) => Reply) {
  const arrivals: number[] = [];
  const server = createServer((request, response) => {
    const { status, headers, body } = reply(arrivals.length);
    arrivals.push(Date.now());
    request.resume().once("end", () => {
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls: () => arrivals.length,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function writeQuestions(sandbox: CliSandbox, count: number): void {
  const lines = Array.from({ length: count }, (_, i) => {
    const body = { model: "openrouter/m", messages: [{ role: "user", content: `question ${i}` }] };
    return JSON.stringify({ custom_id: `q-${i}`, method: "POST", url: "/v1/chat/completions", body });
  });
  sandbox.write("in.jsonl", `${lines.join("\n")}\n`);
}

const dailyHeaders = (remaining: number) => ({
  "X-RateLimit-Limit": "50",
  "X-RateLimit-Remaining": String(remaining),
  "X-RateLimit-Reset": String(Date.now() + 6 * HOUR_MS),
});

test("a daily limit is not polled, and --max-wait ends the run with a code of its own", async () => {
  const error = { code: 429, message: "the daily limit for free models is reached" };
  await using upstream = await openUpstream(() => ({
    status: 429,
    headers: {},
    body: { error: { ...error, metadata: { headers: dailyHeaders(0) } } },
  }));
  await using sandbox = await CliSandbox.open();
  writeQuestions(sandbox, 30);
  const env = { OPENROUTER_API_KEY: "sk-x", OPENROUTER_BASE_URL: upstream.url };
  const args = ["batch", "in.jsonl", "--out", "out", "--json", "--max-wait", "10m"];
  const first = sandbox.start(args, { env });
  expect(await first.exit).toMatchObject({ code: 3 });
  expect(first.events().at(-1)).toMatchObject({
    outcome: "stopped",
    message: expect.stringMatching(
      /^openrouter\/m makes no calls until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, .*the daily limit for free models is reached/,
    ),
  });
  expect(sandbox.manifest("out").items).toMatchObject({ succeeded: 0, failed: 0, missing: 30 });
  const calls = upstream.calls();
  expect(calls).toBeLessThanOrEqual(2);

  expect(await sandbox.start(args, { env }).exit).toMatchObject({ code: 3 });
  expect(upstream.calls()).toBe(calls);
});

test("a lane spends what is left of a daily limit, and nothing is refused", async () => {
  await using upstream = await openUpstream((callsBefore) => ({
    status: callsBefore < 8 ? 200 : 429,
    headers: dailyHeaders(Math.max(0, 7 - callsBefore)),
    body: callsBefore < 8 ? ANSWER : { error: { code: 429, message: "no more" } },
  }));
  await using sandbox = await CliSandbox.open();
  writeQuestions(sandbox, 30);
  const env = { OPENROUTER_API_KEY: "sk-x", OPENROUTER_BASE_URL: upstream.url };
  const cli = sandbox.start(["batch", "in.jsonl", "--out", "out", "--json", "--max-wait", "1h"], { env });
  expect(await cli.exit).toMatchObject({ code: 3 });
  expect(upstream.calls()).toBe(8);
  expect(sandbox.manifest("out").items).toMatchObject({ succeeded: 8, failed: 0, missing: 22 });
});
