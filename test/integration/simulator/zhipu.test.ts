import { afterEach, describe, expect, it } from "vitest";
import type { ProviderError } from "#src/core/failures/errors.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { createTransport } from "#src/providers/transport/http.ts";
import { signToken } from "#src/providers/zhipu/credentials.ts";
import {
  SIMULATOR_ZHIPU_KEY,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from "#src/simulator/simulator.ts";
import { waitFor } from "#test/support/wait-for.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator(options);
  cleanups.push(() => simulator.close());
  return simulator;
}

const hello = { model: "glm-4-plus", messages: [{ role: "user", content: "hi" }] };

async function post(simulator: Simulator, path: string, body: unknown, authorization = SIMULATOR_ZHIPU_KEY) {
  const response = await fetch(`${simulator.zhipuUrl}/${path}`, {
    method: "POST",
    headers: { ...(authorization && { authorization }), "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const answer = (await response.json()) as { error?: { code: string }; data?: { embedding: number[] }[] };
  return { status: response.status, code: answer.error?.code, answer };
}

function provider(simulator: Simulator, extra: Record<string, string> = {}) {
  const transport = createTransport();
  cleanups.push(() => transport.close());
  const account = { baseUrl: simulator.zhipuUrl, apiKey: SIMULATOR_ZHIPU_KEY, extra };
  return createRegistry().createProvider("zhipu", account, transport);
}

const live = () => ({ signal: new AbortController().signal });
const request = { messages: [{ role: "user", content: "2 + 3" } as const] };

describe("the Zhipu simulator", () => {
  it("accepts the key and tokens made from it, with and without Bearer, and nothing else", async () => {
    const simulator = await start();
    const now = Date.now();
    const token = await signToken(SIMULATOR_ZHIPU_KEY, now, 60_000);
    const codeOf = async (authorization: string) => {
      const { status, code } = await post(simulator, "chat/completions", hello, authorization);
      return [status, code];
    };
    for (const good of [SIMULATOR_ZHIPU_KEY, `Bearer ${SIMULATOR_ZHIPU_KEY}`, token, `Bearer ${token}`])
      expect(await codeOf(good)).toEqual([200, undefined]);
    expect(await codeOf("")).toEqual([401, "1001"]);
    expect(await codeOf("Bearer other.key")).toEqual([401, "1000"]);
    expect(await codeOf("Bearer nonsense")).toEqual([401, "1002"]);
    expect(await codeOf(await signToken(SIMULATOR_ZHIPU_KEY, now - 120_000, 60_000))).toEqual([401, "1003"]);
    expect(await codeOf(await signToken(SIMULATOR_ZHIPU_KEY, Math.floor(now / 1000), 60))).toEqual([401, "1003"]);
    const forged = await signToken(`${SIMULATOR_ZHIPU_KEY.split(".")[0]}.other`, now, 60_000);
    expect(await codeOf(forged)).toEqual([401, "1004"]);
  });

  it.each([
    ["no JSON", "chat/completions", "{", "1210"],
    ["an unknown model", "chat/completions", { ...hello, model: "glm-9" }, "1211"],
    ["no messages", "chat/completions", { model: "glm-4-plus" }, "1213"],
    ["an unknown role", "chat/completions", { ...hello, messages: [{ role: "boss", content: "x" }] }, "1214"],
    ["a temperature above 1", "chat/completions", { ...hello, temperature: 1.1 }, "1210"],
    ["a top_p of 0", "chat/completions", { ...hello, top_p: 0 }, "1210"],
    ["stop as text", "chat/completions", { ...hello, stop: "x" }, "1210"],
    ["too many output tokens", "chat/completions", { ...hello, max_tokens: 4097 }, "1210"],
    ["a short user id", "chat/completions", { ...hello, user_id: "ann" }, "1210"],
    [
      "too long a prompt",
      "chat/completions",
      { ...hello, messages: [{ role: "user", content: "字".repeat(131_073) }] },
      "1261",
    ],
    ["65 inputs", "embeddings", { model: "embedding-3", input: Array(65).fill("a") }, "1214"],
    ["other dimensions", "embeddings", { model: "embedding-3", input: "a", dimensions: 300 }, "1210"],
    ["too long an input", "embeddings", { model: "embedding-2", input: "字".repeat(513) }, "1261"],
  ])("rejects %s with its code", async (_, path, body, code) => {
    expect(await post(await start(), path, body)).toMatchObject({ status: 400, code });
  });

  it("rejects a request ID that was used before", async () => {
    const simulator = await start();
    const body = { ...hello, request_id: "request-1" };
    expect((await post(simulator, "chat/completions", body)).code).toBeUndefined();
    expect((await post(simulator, "chat/completions", body)).code).toBe("1231");
  });

  it("returns vectors of the requested dimensions", async () => {
    const simulator = await start();
    for (const [dimensions, length] of [
      [undefined, 2048],
      [256, 256],
    ] as const) {
      const { answer } = await post(simulator, "embeddings", {
        model: "embedding-3",
        input: ["a"],
        dimensions,
      });
      expect(answer.data?.[0]?.embedding).toHaveLength(length);
    }
  });

  it("limits calls in flight per model; streams count until they end", async () => {
    const simulator = await start({ limits: { concurrency: 1 }, deltaMs: 60_000 });
    const controller = new AbortController();
    const chat = provider(simulator).chat;
    const streaming = (async () => {
      for await (const _ of chat?.("glm-4-plus").stream(request, controller) ?? []);
    })().catch((error: ProviderError) => error.kind);
    await waitFor(() => simulator.statistics().inFlight === 1);
    expect(await post(simulator, "chat/completions", hello)).toMatchObject({ status: 429, code: "1302" });
    expect((await post(simulator, "chat/completions", { ...hello, model: "glm-4-air" })).status).toBe(200);
    controller.abort();
    expect(await streaming).toBe("aborted");
  });

  it("is called again with a new token if the token has expired, and only once", async () => {
    const fault = { action: { type: "code" as const, code: 1003 } };
    const simulator = await start({ faults: [{ ...fault, calls: 1 }] });
    const tokens = provider(simulator, { auth: "jwt" });
    expect((await tokens.chat?.("glm-4-plus").generate(request, live()))?.text).toContain("#### 5");
    expect(simulator.statistics().calls).toBe(2);
    simulator.configure({ faults: [fault] });
    const rejected = tokens.embedding?.("embedding-3").embed({ inputs: ["a"] }, live());
    await expect(rejected).rejects.toMatchObject({ kind: "auth", code: "1003" });
    expect(simulator.statistics().calls).toBe(4);
    const key = provider(simulator).chat?.("glm-4-plus").generate(request, live());
    await expect(key).rejects.toMatchObject({ kind: "auth", code: "1003" });
    expect(simulator.statistics().calls).toBe(5);
  });

  it.each([
    [{ type: "chat", defect: "finish-reason", finishReason: "sensitive" }, "content-filter"],
    [{ type: "chat", defect: "finish-reason", finishReason: "network_error" }, "server"],
    [{ type: "chat", defect: "error-inside" }, "server"],
    [{ type: "chat", defect: "no-finish" }, "bad-response"],
    [{ type: "chat", defect: "no-done" }, "bad-response"],
    [{ type: "code", code: 1113 }, "quota"],
    [{ type: "truncate", bytes: 300, framing: "complete" }, "bad-response"],
    [{ type: "reset" }, "network"],
  ] as const)("with the fault %j makes a stream fail as it should", async (action, kind) => {
    const simulator = await start({ faults: [{ action }] });
    const stream = provider(simulator).chat?.("glm-4-plus").stream(request, live()) ?? [];
    const read = async () => {
      for await (const event of stream) expect(event.type).not.toBe("end");
    };
    await expect(read()).rejects.toMatchObject({ kind });
  });
});
