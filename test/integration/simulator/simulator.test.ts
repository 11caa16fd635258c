import { afterEach, describe, expect, it } from "vitest";
import type { CallReport } from "#src/simulator/server/statistics.ts";
import { SIMULATOR_API_KEY, type Simulator, type SimulatorOptions, startSimulator } from "#src/simulator/simulator.ts";
import { waitFor } from "#test/support/wait-for.ts";

const running: Simulator[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.close()));
});

async function start(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator(options);
  running.push(simulator);
  return simulator;
}

const good = { model: "embo-01", texts: ["one", "two"], type: "db" };

interface MinimaxAnswer {
  vectors: number[][] | null;
  total_tokens: number;
  base_resp: { status_code: number; status_msg: string };
}

async function post(simulator: Simulator, body: unknown, { key = SIMULATOR_API_KEY, query = "" } = {}) {
  const response = await fetch(`${simulator.url}/embeddings${query}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as MinimaxAnswer };
}

async function code(simulator: Simulator, body: unknown, options?: { key?: string; query?: string }) {
  const answer = await post(simulator, body, options);
  expect(answer.status).toBe(200);
  if (answer.body.base_resp.status_code !== 0) expect(answer.body.vectors).toBeNull();
  return answer.body.base_resp.status_code;
}

describe("the MiniMax simulator", () => {
  it("responds with one vector per text, the same every time", async () => {
    const simulator = await start();
    const first = (await post(simulator, good)).body;
    expect(first.base_resp).toEqual({ status_code: 0, status_msg: "success" });
    expect(first.vectors?.map((vector) => vector.length)).toEqual([1536, 1536]);
    expect(first.total_tokens).toBe(2);
    expect((await post(await start(), { ...good, texts: ["two"] })).body.vectors?.[0]).toEqual(first.vectors?.[1]);
  });

  it.each([
    ["another key", good, { key: "wrong" }, 1004],
    ["no type", { ...good, type: undefined }, {}, 2013],
    ["an unknown type", { ...good, type: "document" }, {}, 2013],
    ["an unknown model", { ...good, model: "embo-02" }, {}, 2013],
    ["no texts", { ...good, texts: [] }, {}, 2013],
    ["an empty text", { ...good, texts: ["a", ""] }, {}, 2013],
    ["a text that is a number", { ...good, texts: [1] }, {}, 2013],
    ["texts that are one string", { ...good, texts: "a" }, {}, 2013],
    ["11 texts", { ...good, texts: Array(11).fill("a") }, {}, 2013],
    ["a text over 4096 tokens", { ...good, texts: ["字".repeat(4097)] }, {}, 2013],
    ["a body that is no JSON", "{", {}, 2013],
    ["10 texts of 4096 tokens", { ...good, texts: Array(10).fill("字".repeat(4096)) }, {}, 0],
  ])("answers %s with its code", async (_, body, options, expected) => {
    expect(await code(await start(), body, options)).toBe(expected);
  });

  it("requires the group ID if it has one", async () => {
    const simulator = await start({ groupId: "g1" });
    expect(await code(simulator, good)).toBe(1004);
    expect(await code(simulator, good, { query: "?GroupId=g2" })).toBe(1004);
    expect(await code(simulator, good, { query: "?GroupId=g1" })).toBe(0);
  });

  it("serves only its own path and POST", async () => {
    const simulator = await start();
    expect((await fetch(`${simulator.url}/embedding`, { method: "POST" })).status).toBe(404);
    expect((await fetch(`${simulator.url}/embeddings`)).status).toBe(405);
  });

  it("throttles requests, tokens and concurrency with the documented codes", async () => {
    const simulator = await start({ limits: { requestsPerWindow: 2 } });
    expect([await code(simulator, good), await code(simulator, good), await code(simulator, good)]).toEqual([
      0, 0, 1002,
    ]);
    simulator.configure({ limits: { requestsPerWindow: null, tokensPerWindow: 5 } });
    expect(await code(simulator, good)).toBe(1039);
    simulator.configure({ limits: { tokensPerWindow: null, concurrency: 1 }, latency: { fixedMs: 60_000 } });
    void post(simulator, good).catch(() => undefined);
    await waitFor(() => simulator.statistics().inFlight === 1);
    expect(await code(simulator, good)).toBe(1041);
    expect(simulator.statistics()).toMatchObject({
      calls: 6,
      throttled: { requests: 1, tokens: 1, concurrency: 1 },
      max: { requestsInWindow: 3, concurrency: 1, arrivalsInWindow: 6 },
    });
  });

  it("admits calls again when the window has passed", async () => {
    const simulator = await start({ limits: { requestsPerWindow: 1, windowMs: 200 } });
    expect(await code(simulator, good)).toBe(0);
    await waitFor(async () => (await code(simulator, good)) === 0);
    expect(simulator.statistics().max.requestsInWindow).toBe(1);
  });

  it("frees a call's slot when the caller disconnects", async () => {
    const simulator = await start({ latency: { fixedMs: 60_000 }, limits: { concurrency: 1 } });
    const hangUp = new AbortController();
    const call = fetch(`${simulator.url}/embeddings`, {
      method: "POST",
      headers: { authorization: `Bearer ${SIMULATOR_API_KEY}`, "content-type": "application/json" },
      body: JSON.stringify(good),
      signal: hangUp.signal,
    });
    await waitFor(() => simulator.statistics().inFlight === 1);
    hangUp.abort();
    await expect(call).rejects.toThrow();
    await waitFor(() => simulator.statistics().inFlight === 0);
  });

  it("answers a number of calls and holds the others until they are released", async () => {
    const simulator = await start();
    const release = simulator.hold(2);
    let answered = 0;
    const calls = Array.from({ length: 4 }, async () => {
      await post(simulator, good);
      answered += 1;
    });
    await waitFor(() => simulator.statistics().calls === 4 && answered === 2, { what: "two answers of four" });
    expect(simulator.statistics().inFlight).toBe(2);
    release();
    await Promise.all(calls);
    expect((await post(simulator, good)).status).toBe(200);
  });

  it("notifies a listener of every call", async () => {
    const reports: CallReport[] = [];
    const simulator = await start({
      onCall: (report) => reports.push(report),
      limits: { requestsPerWindow: 1 },
    });
    await code(simulator, good);
    await code(simulator, good);
    await code(simulator, {});
    expect(reports.map(({ outcome, texts }) => [outcome, texts])).toEqual([
      ["answered", ["one", "two"]],
      ["requests", ["one", "two"]],
      ["refused", []],
    ]);
  });

  it("prints realistic bodies for ten texts", async () => {
    const simulator = await start({ vectors: "fixed" });
    const body = JSON.stringify({ ...good, texts: Array(10).fill("x") });
    const { body: answer } = await post(simulator, body);
    const bytes = JSON.stringify(answer.vectors).length;
    expect(bytes).toBeGreaterThan(150_000);
    expect(bytes).toBeLessThan(200_000);
  });
});

describe("the OpenAI-compatible simulator", () => {
  async function embed(simulator: Simulator, body: unknown, key = SIMULATOR_API_KEY) {
    const response = await fetch(`${simulator.openaiUrl}/embeddings`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    // biome-ignore lint/suspicious/noExplicitAny: the tests below read responses of several types
    return { status: response.status, body: (await response.json()) as any };
  }

  it("returns the same vectors as floats and as base64", async () => {
    const simulator = await start();
    const input = ["one", "two"];
    const floats = await embed(simulator, { model: "m", input });
    const encoded = await embed(simulator, { model: "m", input, encoding_format: "base64" });
    const { vectors } = (await post(simulator, good)).body;
    expect(floats.body).toMatchObject({
      object: "list",
      model: "m",
      usage: { prompt_tokens: 2, total_tokens: 2 },
    });
    for (const index of [0, 1]) {
      expect(floats.body.data[index]).toEqual({ object: "embedding", index, embedding: vectors?.[index] });
      const bytes = Uint8Array.from(Buffer.from(encoded.body.data[index].embedding, "base64"));
      expect(new Float32Array(bytes.buffer)).toEqual(Float32Array.from(vectors?.[index] ?? []));
    }
  });

  it("accepts a single string, and rejects invalid requests with a status", async () => {
    const simulator = await start({ limits: { requestsPerWindow: 1 } });
    expect((await embed(simulator, { model: "m", input: "one" }, "wrong")).status).toBe(401);
    expect((await embed(simulator, { model: "m", input: [] })).status).toBe(400);
    expect((await embed(simulator, { model: "m", input: "one" })).body.data).toHaveLength(1);
    expect(await embed(simulator, { model: "m", input: "one" })).toMatchObject({
      status: 429,
      body: { error: { code: "rate_limit_exceeded" } },
    });
  });
});

describe("the control endpoint", () => {
  it("lets other processes change settings and read statistics", async () => {
    const simulator = await start();
    await code(simulator, good);
    const control = async (body: unknown) =>
      fetch(simulator.controlUrl, { method: "POST", body: JSON.stringify(body) });
    const changed = await control({ limits: { requestsPerWindow: 7 }, resetStatistics: true });
    expect(await changed.json()).toMatchObject({
      settings: { limits: { requestsPerWindow: 7 } },
      statistics: { calls: 0, answered: 0 },
    });
    const rejected = await control({ limits: { rpm: 1 } });
    expect(rejected.status).toBe(400);
    expect(await rejected.json()).toEqual({ error: expect.stringContaining("rpm") });
    expect((await fetch(simulator.controlUrl, { method: "DELETE" })).status).toBe(405);
    await code(simulator, good);
    expect(await (await fetch(simulator.controlUrl)).json()).toMatchObject({
      statistics: { answered: 1, texts: 2 },
    });
  });
});
