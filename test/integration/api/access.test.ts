import OpenAI, { APIError, AuthenticationError, PermissionDeniedError, RateLimitError } from "openai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KeyAccess } from "#src/api/access/key-access.ts";
import { startApi } from "#src/api/start-api.ts";
import { systemClock } from "#src/core/clock.ts";
import { ApiKeyStore, type NewApiKey } from "#src/state/api-keys/api-key-store.ts";
import { KeyUsage } from "#src/state/api-keys/key-usage.ts";
import { TestApi } from "#test/support/api/test-api.ts";
import { describeKey } from "#test/support/api-keys/create-test-key.ts";
import { waitFor } from "#test/support/wait-for.ts";

const MODEL = "openai/gpt-4o-mini";
let api: TestApi;
let store: ApiKeyStore;

beforeEach(async () => {
  api = await TestApi.open({ latency: { fixedMs: 0 } });
  store = new ApiKeyStore(api.source.connect("commands"), api.keys);
});
afterEach(() => api[Symbol.asyncDispose]());

const connect = (apiKey: string, baseURL = api.baseUrl) => new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const ask = (content = "hello", model = MODEL) => ({
  ...{ model, max_tokens: 50 },
  messages: [{ role: "user" as const, content }],
});

async function createKey(changes: Partial<NewApiKey> = {}) {
  const created = await store.create(describeKey(changes));
  if (!created) throw new Error("the name is taken");
  return { ...created, client: connect(created.token) };
}

/** The error that a request ends with. */
async function failure(request: Promise<unknown>): Promise<APIError> {
  const error = await request.then(
    () => undefined,
    (thrown) => thrown,
  );
  if (error instanceof APIError) return error;
  throw new Error("the request succeeded", { cause: error });
}

describe("keys", () => {
  test("a server on loopback is open until a key exists; then every server needs one", async () => {
    const second = await api.startApi();
    await connect("anything").chat.completions.create(ask());
    const { client } = await createKey();
    for (const baseURL of [api.baseUrl, `${second.url}/v1`]) {
      const error = await failure(connect("anything", baseURL).chat.completions.create(ask()));
      expect(error).toBeInstanceOf(AuthenticationError);
      expect(error).toMatchObject({ status: 401, code: "invalid_api_key", requestID: expect.stringMatching(/^req_/) });
    }
    expect((await fetch(`${api.baseUrl}/models`)).status).toBe(401);
    await client.chat.completions.create(ask());
  });

  test("an open server refuses requests to another name, which a page on the web may let point to it", async () => {
    const { request } = await import("undici");
    const { statusCode } = await request(`${api.baseUrl}/models`, { headers: { host: "evil.example" } });
    expect(statusCode).toBe(401);
  });

  test("revoked and expired keys end at once, with the same answer as a wrong one", async () => {
    const revoked = await createKey({ name: "revoked" });
    const expired = await createKey({ name: "expired", expiresAt: Date.now() - 1 });
    await revoked.client.models.list();
    await store.revoke(revoked.key.id);
    const wrong = `${revoked.token.slice(0, -1)}${revoked.token.endsWith("A") ? "B" : "A"}`;
    const errors = await Promise.all(
      [revoked.token, expired.token, wrong].map((token) => failure(connect(token).models.list())),
    );
    expect(new Set(errors.map(({ message }) => message)).size).toBe(1);
    for (const error of errors) expect(error).toMatchObject({ status: 401, code: "invalid_api_key" });
  });

  test("keys are accepted as Anthropic's clients send them", async () => {
    const { token } = await createKey();
    const send = (key: string) => fetch(`${api.baseUrl}/models`, { headers: { "x-api-key": key } });
    expect([(await send(token)).status, (await send("wrong")).status]).toEqual([200, 401]);
  });

  test("a key sees and uses only its models", async () => {
    const { client } = await createKey({ models: ["zhipu/*", MODEL] });
    const listed = (await client.models.list()).data.map(({ id }) => id);
    expect(listed).toContain("zhipu/glm-4-plus");
    expect(listed.filter((id) => !id.startsWith("zhipu/"))).toEqual([MODEL]);
    await client.chat.completions.create(ask());
    const error = await failure(client.chat.completions.create(ask("hello", "openai/gpt-4o")));
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(error.code).toBe("model_not_allowed");
  });

  test("a server on another address starts only if there is a key", async () => {
    const start = () =>
      startApi({
        ...{ host: "0.0.0.0", port: 0, version: "test", trustedProxies: [], redis: api.source, keys: api.keys },
        ...{ registry: api.config.registry, clock: systemClock, onError: () => undefined },
        ...{ dataFolder: api.dir, command: { program: "none", args: [], env: {}, cwd: api.dir } },
        ...{ settings: { answerTimeoutMs: 1_000, ttlMs: 1_000 }, checkRequest: () => undefined },
        onRequest: () => undefined,
        sluice: undefined as never,
        models: undefined as never,
      });
    await expect(start()).rejects.toMatchObject({ hint: expect.stringContaining("sluice keys create") });
    await createKey();
    await (await start()).close();
  });
});

describe("limits", () => {
  test("every response names the limits of the key, and refusals say when to try again", async () => {
    const { client, token } = await createKey({ requestsPerMinute: 2, tokensPerMinute: 10_000 });
    const headers = { authorization: `Bearer ${token}` };
    const read = async (path: string) => (await fetch(`${api.baseUrl}${path}`, { headers })).headers;
    expect((await read("/models")).get("x-ratelimit-remaining-requests")).toBe("2");
    const { response } = await client.chat.completions.create(ask()).withResponse();
    expect(Object.fromEntries(response.headers)).toMatchObject({
      ...{ "x-ratelimit-limit-requests": "2", "x-ratelimit-remaining-requests": "1" },
      ...{ "x-ratelimit-limit-tokens": "10000", "x-ratelimit-reset-requests": "1m0s" },
    });
    const stream = await client.chat.completions.create({ ...ask(), stream: true }).withResponse();
    expect(stream.response.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    for await (const _ of stream.data);
    const error = await failure(client.chat.completions.create(ask()));
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ code: "rate_limit_exceeded", type: "requests" });
    expect(error.headers?.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(Number(error.headers?.get("retry-after"))).toBeGreaterThan(0);
    expect((await read("/models/openai/none")).get("x-ratelimit-limit-requests")).toBe("2");
    // Nothing was called for the refused request.
    expect(api.simulator.statistics().calls).toBe(2);
  });

  test("a key without limits has no such headers", async () => {
    const { client } = await createKey();
    const { response } = await client.chat.completions.create(ask()).withResponse();
    expect([...response.headers.keys()].filter((name) => name.startsWith("x-ratelimit"))).toEqual([]);
  });
});

describe("budgets", () => {
  const readSpending = async (key: Awaited<ReturnType<typeof createKey>>["key"]) =>
    (await new KeyUsage(api.source.connect("commands"), api.keys).readUse(key)).spending;

  test("a call costs what the provider reported, and a failed call nothing", async () => {
    const { key, client } = await createKey({ dailyBudget: 1 });
    const { usage } = await client.chat.completions.create(ask());
    const price = api.config.registry.findModel(MODEL).model.price;
    const cost =
      ((usage?.prompt_tokens ?? 0) * (price?.inputPerMillionTokens ?? 0) +
        (usage?.completion_tokens ?? 0) * (price?.outputPerMillionTokens ?? 0)) /
      1e6;
    expect(cost).toBeGreaterThan(0);
    expect((await readSpending(key)).today).toBeCloseTo(cost, 8);
    await failure(client.chat.completions.create({ ...ask(), temperature: 99 }));
    expect(await readSpending(key)).toMatchObject({ today: expect.closeTo(cost, 8), reserved: 0 });
  });

  test("a request that is repeated with its idempotency key costs once", async () => {
    const { key, client } = await createKey({ dailyBudget: 1 });
    const send = () => client.chat.completions.create(ask(), { headers: { "idempotency-key": "once" } });
    const [first, ...others] = [await send(), ...(await Promise.all([send(), send()]))];
    for (const { choices } of others) expect(choices).toEqual(first?.choices);
    const { today } = await readSpending(key);
    await client.chat.completions.create(ask());
    expect(await readSpending(key)).toEqual({ today: 2 * today, month: 2 * today, reserved: 0 });
    expect(api.simulator.statistics().calls).toBe(2);
  });

  test("a used budget is refused as OpenAI does, without a call", async () => {
    const { client } = await createKey({ monthlyBudget: 0.000_04 });
    await client.chat.completions.create(ask());
    const error = await failure(client.chat.completions.create(ask()));
    expect(error).toMatchObject({ status: 429, code: "insufficient_quota", type: "insufficient_quota" });
    expect(error.headers?.get("x-should-retry")).toBe("false");
    const large = await failure(client.chat.completions.create({ ...ask(), max_tokens: 1_000 }));
    expect(large.message).toContain("this request alone may cost more");
    expect(api.simulator.statistics().calls).toBe(1);
  });

  test("a key with a budget cannot use models without a price, or with one in another currency", async () => {
    const { client } = await createKey({ dailyBudget: 1, currency: "USD" });
    for (const [model, why] of [
      ["openai/some-new-model", "is unknown"],
      ["zhipu/glm-4-plus", "is in CNY"],
    ] as const) {
      const error = await failure(client.chat.completions.create(ask("hello", model)));
      expect(error).toMatchObject({ status: 403, code: "model_without_price", message: expect.stringContaining(why) });
    }
    const free = await createKey({ name: "free" });
    await free.client.chat.completions.create(ask("hello", "zhipu/glm-4-plus"));
  });

  test("what a request leaves behind when its server stops is settled by another server when its item ends", async () => {
    const { key, token } = await createKey({ dailyBudget: 1 });
    const redis = api.redis.connect();
    const { open, items } = api.keys.apiKeyUsage(key.id);
    const other = new KeyAccess({
      ...{ client: api.source.connect("commands"), keys: api.keys, registry: api.config.registry },
      ...{ clock: systemClock, isLoopback: true, onUse: () => undefined, onError: () => undefined },
    });
    const server = await api.startApi();
    const release = api.simulator.hold();
    const answer = failure(connect(token, `${server.url}/v1`).chat.completions.create(ask()));
    await waitFor(async () => (await redis.hlen(items)) === 1, { what: "the item" });
    await server.close();
    expect((await answer).status).toBe(503);
    const expire = async () => {
      for (const id of await redis.zrange(open, 0, "-1")) await redis.zadd(open, 1, id);
    };
    await expire();
    await other.settleAbandoned();
    const { reserved, today } = await readSpending(key);
    expect(reserved).toBeGreaterThan(0);
    expect(today).toBe(reserved);
    release();
    await waitFor(
      async () => {
        await expire();
        await other.settleAbandoned();
        return (await redis.zcard(open)) === 0;
      },
      { what: "the settlement" },
    );
    const settled = await readSpending(key);
    expect(settled.reserved).toBe(0);
    expect(settled.today).toBeGreaterThan(0);
    expect(settled.today).toBeLessThan(today);
    await other.close();
  });
});

describe("batches", () => {
  async function runBatch(client: OpenAI, models: readonly string[]) {
    const lines = models.map((model, n) =>
      JSON.stringify({
        custom_id: `c-${n}`,
        method: "POST",
        url: "/v1/chat/completions",
        body: ask(`hello ${n}`, model),
      }),
    );
    const file = await client.files.create({
      file: new File([`${lines.join("\n")}\n`], "requests.jsonl"),
      purpose: "batch",
    });
    const request = { input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" } as const;
    const { id } = await client.batches.create(request);
    const hasEnded = ({ status }: OpenAI.Batch) => ["completed", "failed"].includes(status);
    return await waitFor(
      async () => {
        const batch = await client.batches.retrieve(id);
        return hasEnded(batch) ? batch : undefined;
      },
      { what: "the end of the batch" },
    );
  }

  test("a batch uses only models of its key, and its jobs carry the tenant", async () => {
    const { client } = await createKey({ models: [MODEL], weight: 3, tenant: "research" });
    const refused = await runBatch(client, [MODEL, "zhipu/glm-4-plus"]);
    expect(refused.errors?.data).toMatchObject([{ code: "model_not_allowed", line: 2 }]);
    const release = api.simulator.hold();
    const redis = api.redis.connect();
    const queue = "openai-chat";
    const { tenants } = api.keys.queueTurns(queue);
    const running = runBatch(client, [MODEL, MODEL]);
    await waitFor(async () => (await redis.hkeys(tenants)).includes("research"), { what: "a job of the tenant" });
    release();
    expect((await running).request_counts).toEqual({ total: 2, completed: 2, failed: 0 });
  });

  test("a batch reserves its highest cost before it starts, and costs what its answers cost", async () => {
    const { key, client } = await createKey({ monthlyBudget: 1 });
    const usage = new KeyUsage(api.source.connect("commands"), api.keys);
    const release = api.simulator.hold();
    const running = runBatch(client, [MODEL, MODEL]);
    await waitFor(async () => (await usage.readUse(key)).spending.reserved > 0, { what: "the reservation" });
    const { reserved } = (await usage.readUse(key)).spending;
    release();
    const batch = await running;
    expect(batch.request_counts).toEqual({ total: 2, completed: 2, failed: 0 });
    const { month, reserved: left } = (await usage.readUse(key)).spending;
    const price = api.config.registry.findModel(MODEL).model.price;
    const { input_tokens = 0, output_tokens = 0 } = batch.usage ?? {};
    const cost =
      (input_tokens * (price?.inputPerMillionTokens ?? 0) + output_tokens * (price?.outputPerMillionTokens ?? 0)) / 1e6;
    expect(left).toBe(0);
    expect(month).toBeCloseTo(cost, 8);
    expect(month).toBeLessThan(reserved);
  });

  test("a batch that may cost more than is left of the budget fails before anything is sent", async () => {
    const { client } = await createKey({ monthlyBudget: 0.000_01 });
    const refused = await runBatch(client, [MODEL]);
    expect(refused.errors?.data).toMatchObject([{ code: "insufficient_quota" }]);
    const other = await runBatch(client, ["zhipu/glm-4-plus"]);
    expect(other.errors?.data).toMatchObject([{ code: "model_without_price" }]);
    expect(api.simulator.statistics().calls).toBe(0);
  });

  test("files, batches, and jobs of another tenant are unknown", async () => {
    const one = await createKey({ name: "one", tenant: "one" });
    const two = await createKey({ name: "two", tenant: "two" });
    const batch = await runBatch(one.client, [MODEL]);
    const headers = (token: string) => ({ authorization: `Bearer ${token}`, "content-type": "application/json" });
    const job = await fetch(`${api.baseUrl}/jobs/chat`, {
      ...{ method: "POST", headers: headers(one.token), body: JSON.stringify(ask()) },
    });
    const { id: jobId } = (await job.json()) as { id: string };
    for (const [path, method = "GET"] of [
      [`/batches/${batch.id}`],
      [`/batches/${batch.id}/cancel`, "POST"],
      [`/files/${batch.input_file_id}`],
      [`/files/${batch.output_file_id}/content`],
      [`/files/${batch.input_file_id}`, "DELETE"],
      [`/jobs/${jobId}`],
      [`/jobs/${jobId}/stream`],
      [`/jobs/${jobId}`, "DELETE"],
    ]) {
      const send = async (token: string, url: string) => {
        const { authorization } = headers(token);
        const response = await fetch(`${api.baseUrl}${url}`, { method, headers: { authorization } });
        return { status: response.status, body: await response.text() };
      };
      const unknownPath = (path ?? "").replace(/[0-9a-f]{24}/, "f".repeat(24));
      const foreign = await send(two.token, path ?? "");
      expect(foreign, path).toEqual(await send(two.token, unknownPath));
      expect(foreign.status).toBe(404);
    }
    expect((await one.client.files.retrieve(batch.input_file_id)).id).toBe(batch.input_file_id);
    expect((await two.client.batches.list()).data).toEqual([]);
    expect((await two.client.files.list()).data).toEqual([]);
  });
});
