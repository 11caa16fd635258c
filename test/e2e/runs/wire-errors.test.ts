import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** An upstream of the OpenAI protocol that replies to the content of the last message. */
async function openUpstream(reply: (content: string) => Reply | undefined) {
  let calls = 0;
  const answer: RequestListener = async (request, response) => {
    const { messages } = JSON.parse(await text(request)) as { messages: { content: string }[] };
    calls += 1;
    const content = messages.at(-1)?.content ?? "";
    const message = { role: "assistant", content: `echo ${content}` };
    const { status, body } = reply(content) ?? {
      status: 200,
      body: { id: "c", model: "m", choices: [{ index: 0, message, finish_reason: "stop" }] },
    };
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls: () => calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function writeQuestions(sandbox: CliSandbox, contents: readonly string[]): void {
  const lines = contents.map((content, i) => {
    const body = { model: "deepseek/deepseek-chat", messages: [{ role: "user", content }] };
    return JSON.stringify({ custom_id: `q-${i}`, method: "POST", url: "/v1/chat/completions", body });
  });
  sandbox.write("in.jsonl", `${lines.join("\n")}\n`);
}

const QUESTIONS = Array.from({ length: 30 }, (_, i) => `question ${i}`);

test.each([
  [401, "authentication_error", /^auth: .*The provider says: said$/],
  [402, "unknown_error", /^quota: .*The provider says: said$/],
])("a vague code with HTTP %d stops the run, and no item fails", async (status, type, message) => {
  const error = { message: "said", type, param: null, code: "invalid_request_error" };
  await using upstream = await openUpstream(() => ({ status, body: { error } }));
  await using sandbox = await CliSandbox.open();
  writeQuestions(sandbox, QUESTIONS);
  sandbox.write(
    "sluice.yaml",
    "providers: { deepseek: { models: { deepseek-chat: { limits: { concurrency: 30 } } } } }\n",
  );
  const env = { DEEPSEEK_API_KEY: "sk-x", DEEPSEEK_BASE_URL: upstream.url };
  const cli = sandbox.start(["batch", "in.jsonl", "--out", "out", "--json"], { env });
  expect(await cli.exit).toMatchObject({ code: 2 });
  expect(cli.events().at(-1)).toMatchObject({ outcome: "stopped", message: expect.stringMatching(message) });
  expect(sandbox.manifest("out").items).toMatchObject({ succeeded: 0, failed: 0 });
  expect(upstream.calls()).toBeLessThanOrEqual(8);
});

test("a rejected input never blocks a run: a rerun answers everything else", async () => {
  const rejected = { status: 403, body: { error: { message: "blocked" } } };
  await using upstream = await openUpstream((content) => (content === "bad" ? rejected : undefined));
  await using sandbox = await CliSandbox.open();
  writeQuestions(sandbox, ["bad", ...QUESTIONS]);
  const env = { DEEPSEEK_API_KEY: "sk-x", DEEPSEEK_BASE_URL: upstream.url };
  const args = ["batch", "in.jsonl", "--out", "out", "--json"];
  const { code } = await sandbox.start(args, { env }).exit;
  if (code === 2) expect(await sandbox.start(args, { env }).exit).toMatchObject({ code: 1 });
  else expect(code).toBe(1);
  expect(readJsonl(sandbox.path("out", "output.jsonl"))).toHaveLength(30);
  expect(readJsonl(sandbox.path("out", "errors.jsonl"))).toMatchObject([
    { custom_id: "q-0", response: { body: { error: { message: expect.stringMatching(/blocked$/) } } } },
  ]);
});
