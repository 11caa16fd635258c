import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import OpenAI, { toFile } from "openai";
import { expect, it } from "vitest";
import { TestApi } from "#test/support/api/test-api.ts";
import { waitFor } from "#test/support/wait-for.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

interface ReceivedEvent {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function startReceiver() {
  const events: ReceivedEvent[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    events.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    events,
    url: `http://127.0.0.1:${port}/hook`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

async function runBatch(client: OpenAI): Promise<OpenAI.Batch> {
  const body = { model: "openai/gpt-4o-mini", messages: [{ role: "user", content: "hi" }] };
  const line = JSON.stringify({ custom_id: "a", method: "POST", url: "/v1/chat/completions", body });
  const file = await client.files.create({ purpose: "batch", file: await toFile(Buffer.from(line), "in.jsonl") });
  const request = { input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" } as const;
  const { id } = await client.batches.create(request);
  return await waitFor(
    async () => {
      const batch = await client.batches.retrieve(id);
      return batch.status === "completed" ? batch : undefined;
    },
    { what: "the end of the batch" },
  );
}

it("the end of a batch is reported by an event that OpenAI's own client accepts", async () => {
  await using receiver = await startReceiver();
  const webhook = { url: receiver.url, allowPrivate: true };
  const env = { SLUICE_WEBHOOK_SECRET: SECRET };
  await using api = await TestApi.open({ latency: { fixedMs: 0 }, settings: { api: { webhook } }, env });
  const client = new OpenAI({ baseURL: api.baseUrl, apiKey: "any", webhookSecret: SECRET });
  const batch = await runBatch(client);
  const received = await waitFor(() => receiver.events[0], { what: "the event" });
  const event = await client.webhooks.unwrap(received.body, received.headers as Record<string, string>);
  expect(event).toMatchObject({ object: "event", type: "batch.completed", data: { id: batch.id } });
  expect(receiver.events).toHaveLength(1);
});

it("no event is sent to a private address unless it is allowed", async () => {
  await using receiver = await startReceiver();
  const env = { SLUICE_WEBHOOK_SECRET: SECRET };
  const settings = { api: { webhook: { url: receiver.url } } };
  await using api = await TestApi.open({ latency: { fixedMs: 0 }, settings, env });
  await runBatch(new OpenAI({ baseURL: api.baseUrl, apiKey: "any" }));
  const reported = await waitFor(() => api.errors.find((message) => message.includes("not delivered")), {
    what: "the report",
  });
  expect(reported).toContain("not a public address");
  expect(receiver.events).toEqual([]);
});
