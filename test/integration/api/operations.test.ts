import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { ApiKeyStore } from "#src/state/api-keys/api-key-store.ts";
import { TestApi, type TestApiOptions } from "#test/support/api/test-api.ts";
import { describeKey } from "#test/support/api-keys/create-test-key.ts";
import { waitFor } from "#test/support/wait-for.ts";

let api: TestApi;
afterEach(() => api[Symbol.asyncDispose]());

async function open(options: TestApiOptions = {}): Promise<string> {
  api = await TestApi.open({ latency: { fixedMs: 0 }, ...options });
  return api.baseUrl.slice(0, -"/v1".length);
}

const ask = { model: "openai/gpt-4o-mini", messages: [{ role: "user" as const, content: "one two three" }] };

test("/healthz and /readyz need no key, and readiness writes to Redis", async () => {
  const url = await open({ worker: false });
  await new ApiKeyStore(api.source.connect("commands"), api.keys).create(describeKey());
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: "ok" });
  expect(await api.redis.connect().exists(api.keys.readinessProbe)).toBe(0);
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([200, { status: "ready" }]);
  expect(await api.redis.connect().pttl(api.keys.readinessProbe)).toBeGreaterThan(0);
});

test("above the memory threshold, new requests are refused, but operators can still look", async () => {
  const url = await open({ worker: false, settings: { api: { maxMemory: "1MB" } } });
  const refused = await fetch(`${url}/v1/models`);
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("2");
  expect(refused.headers.get("x-request-id")).toMatch(/^req_/);
  expect(await refused.json()).toMatchObject({ error: { code: "server_overloaded" } });
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([503, { status: "not-ready", reason: "memory" }]);
});

test("metrics count requests, durations, and tokens, without names of tenants or keys, for admins only", async () => {
  const url = await open();
  const store = new ApiKeyStore(api.source.connect("commands"), api.keys);
  const user = await store.create(describeKey({ name: "user-key", tenant: "secret-tenant" }));
  const admin = await store.create(describeKey({ name: "admin-key", role: "admin" }));
  const client = new OpenAI({ baseURL: api.baseUrl, apiKey: user?.token ?? "", maxRetries: 0 });
  const { usage } = await client.chat.completions.create(ask);
  for await (const _ of await client.chat.completions.create({ ...ask, stream: true }));
  await fetch(`${url}/v1/models`);
  const read = (token = "") => fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  expect([(await read()).status, (await read(user?.token)).status]).toEqual([401, 403]);
  // The response to a stream ends just after its last event.
  const text = await waitFor(
    async () => {
      const metrics = await (await read(admin?.token)).text();
      return metrics.includes('route="/v1/chat/completions",status="200"} 2') ? metrics : undefined;
    },
    { what: "both chats" },
  );
  expect(text).toContain('sluice_api_requests_total{method="GET",route="/v1/models",status="401"} 1');
  expect(text).toContain("sluice_api_requests_in_flight 0");
  const tokens = `sluice_api_tokens_total{model="openai/gpt-4o-mini",direction="output"} ${2 * (usage?.completion_tokens ?? 0)}`;
  expect(text).toContain(tokens);
  expect(text).toMatch(/sluice_api_request_duration_seconds_count\{method="POST",route="\/v1\/chat\/completions"\} 2/);
  expect(text).not.toContain("secret-tenant");
  expect(text).not.toContain(user?.key.id);
});

test("a stream ends with an error that says where the answer continues when its server stops", async () => {
  await open();
  api.simulator.configure({ deltaMs: 1 });
  const release = api.simulator.holdStreams(2);
  const server = await api.startApi();
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...ask, stream: true }),
  });
  const id = response.headers.get("x-sluice-item");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let received = "";
  while (!received.includes('"content":"') || received.split("data:").length < 3) {
    received += (await reader?.read())?.value ?? "";
  }
  const closing = server.close();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) received += part.value;
  await closing;
  const last =
    received
      .trim()
      .split("\n\n")
      .filter((event) => event.startsWith("data:"))
      .at(-1) ?? "";
  expect(JSON.parse(last.slice("data: ".length))).toMatchObject({
    error: { code: "server_stopping", message: expect.stringContaining(`/v1/jobs/${id}/stream`) },
  });
  release();
  // Another server has the whole answer.
  const job = await waitFor(
    async () => {
      const found = (await (await fetch(`${api.baseUrl}/jobs/${id}`)).json()) as { status: string };
      return found.status === "completed" ? found : undefined;
    },
    { what: "the answer" },
  );
  expect(JSON.stringify(job)).toContain("one two three");
});
