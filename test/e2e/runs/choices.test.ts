import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

/** An upstream that returns as many answers as it is asked for, numbered over all calls. */
async function openUpstream() {
  const bodies: { n?: number }[] = [];
  let answers = 0;
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request)) as { n?: number };
    bodies.push(body);
    const choices = Array.from({ length: body.n ?? 1 }, (_, index) => ({
      ...{ index, finish_reason: "stop" },
      message: { role: "assistant", content: `answer ${answers++}` },
    }));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ id: "c", choices, usage }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    bodies,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test.each([
  ["deepseek", "one call per answer", [undefined, undefined, undefined], 15],
  ["openai", "one call for all answers", [3], 5],
])("%s: n is answered by %s, in one record", async (provider, _, sent, tokens) => {
  await using upstream = await openUpstream();
  await using sandbox = await CliSandbox.open();
  const body = { model: `${provider}/m`, messages: [{ role: "user", content: "hi" }], n: 3 };
  sandbox.write("in.jsonl", JSON.stringify({ custom_id: "a", method: "POST", url: "/v1/chat/completions", body }));
  const name = provider.toUpperCase();
  const env = { [`${name}_API_KEY`]: "sk-x", [`${name}_BASE_URL`]: upstream.url };
  expect(await sandbox.start(["batch", "in.jsonl", "--out", "out"], { env }).exit).toMatchObject({ code: 0 });
  expect(upstream.bodies.map(({ n }) => n)).toEqual(sent);
  const [line] = readJsonl(sandbox.path("out", "output.jsonl")) as { response: { body: Record<string, unknown> } }[];
  const choices = line?.response.body.choices as { index: number; message: { content: string } }[];
  expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(choices.map(({ message }) => message.content).sort()).toEqual(["answer 0", "answer 1", "answer 2"]);
  expect(line?.response.body.usage).toMatchObject({ total_tokens: tokens });
  const manifest = sandbox.manifest("out");
  expect(manifest.calls).toMatchObject({ made: sent.length, answered: sent.length, failed: 0, paidTwice: 0 });
  expect(manifest.tokens).toBe(tokens);
});
