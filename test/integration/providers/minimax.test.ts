import { afterEach, describe, expect, it } from "vitest";
import type { ProviderError } from "#src/core/failures/errors.ts";
import type { EmbeddingModel } from "#src/providers/provider.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { createTransport, type TransportOptions } from "#src/providers/transport/http.ts";
import { embedText, toFloats } from "#src/simulator/answers/embed-text.ts";
import { SIMULATOR_API_KEY, type Simulator, type SimulatorOptions, startSimulator } from "#src/simulator/simulator.ts";
import { waitFor } from "#test/support/wait-for.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Setup {
  readonly simulator: Simulator;
  readonly model: EmbeddingModel;
}

async function setup(
  options: SimulatorOptions = {},
  account: { apiKey?: string; groupId?: string; transport?: TransportOptions } = {},
): Promise<Setup> {
  const simulator = await startSimulator(options);
  cleanups.push(() => simulator.close());
  const { apiKey = SIMULATOR_API_KEY, groupId } = account;
  const provider = createRegistry().createProvider(
    "minimax",
    { baseUrl: `${simulator.url}/`, apiKey, ...(groupId !== undefined && { extra: { groupId } }) },
    createTransport(account.transport),
  );
  cleanups.push(() => provider.close());
  const model = provider.embedding?.("embo-01");
  if (!model) throw new Error("the provider embeds");
  return { simulator, model };
}

const call = () => ({ signal: new AbortController().signal });

function failure({ model }: Setup, inputs = ["a", "b"]): Promise<ProviderError> {
  return model.embed({ inputs }, call()).then(
    () => {
      throw new Error("the call succeeded");
    },
    (error: ProviderError) => error,
  );
}

describe("MiniMax embeddings", () => {
  it("are the floats that the upstream sent, in input order, with its usage", async () => {
    const { model, simulator } = await setup();
    const inputs = Array.from({ length: 10 }, (_, n) => `text number ${n} 第${n}首`);
    const answer = await model.embed({ inputs }, call());
    expect(answer).toMatchObject({ dimensions: 1536, usage: { totalTokens: simulator.statistics().tokens } });
    for (const [index, text] of inputs.entries())
      expect(answer.vectors.subarray(index * 1536, (index + 1) * 1536)).toEqual(toFloats(embedText(text)));
  });

  it("send the group id only if there is one", async () => {
    const known = await setup({ groupId: "42" }, { groupId: "42" });
    expect((await known.model.embed({ inputs: ["a"] }, call())).dimensions).toBe(1536);
    const unknown = await setup({ groupId: "42" });
    expect(await failure(unknown)).toMatchObject({ kind: "auth", code: "1004" });
  });

  it("report a wrong key with the variables to check, and never the key", async () => {
    const error = await failure(await setup({}, { apiKey: "sk-very-secret" }));
    expect(error).toMatchObject({ kind: "auth", code: "1004" });
    expect(error.message).toContain("MINIMAX_API_KEY");
    expect(JSON.stringify(error) + error.stack).not.toContain("very-secret");
  });

  it("send the purpose", async () => {
    const { model } = await setup();
    await expect(model.embed({ inputs: ["a"], purpose: "query" }, call())).resolves.toBeDefined();
  });

  it.each([[0], [11]])("reject %d inputs without a call", async (count) => {
    const { model, simulator } = await setup();
    await expect(model.embed({ inputs: Array(count).fill("a") }, call())).rejects.toMatchObject({
      kind: "invalid-request",
      isSplittable: count > 10,
    });
    expect(simulator.statistics().calls).toBe(0);
  });

  it("report which limit was reached", async () => {
    const { model, simulator } = await setup({ limits: { requestsPerWindow: 1 } });
    await model.embed({ inputs: ["a"] }, call());
    expect(await failure({ model, simulator })).toMatchObject({ kind: "throttled", dimension: "requests" });
    simulator.configure({ limits: { requestsPerWindow: null, tokensPerWindow: 1 } });
    expect(await failure({ model, simulator })).toMatchObject({ kind: "throttled", dimension: "tokens" });
    simulator.configure({ limits: { tokensPerWindow: null, concurrency: 1 }, latency: { fixedMs: 60_000 } });
    const abort = new AbortController();
    const blocked = model.embed({ inputs: ["a"] }, { signal: abort.signal });
    const ended = expect(blocked).rejects.toMatchObject({ kind: "aborted" });
    await waitFor(() => simulator.statistics().inFlight === 1);
    expect(await failure({ model, simulator })).toMatchObject({
      kind: "throttled",
      dimension: "concurrency",
    });
    abort.abort();
    await ended;
  });
});

describe("a MiniMax call that fails", () => {
  it.each([
    [
      { type: "code", code: 1000 },
      { kind: "server", code: "1000" },
    ],
    [{ type: "code", code: 1004 }, { kind: "auth" }],
    [{ type: "code", code: 1008 }, { kind: "quota" }],
    [{ type: "code", code: 1026 }, { kind: "content-filter" }],
    [{ type: "code", code: 2061 }, { kind: "quota" }],
    [
      { type: "code", code: 7777 },
      { kind: "server", isUnlisted: true },
    ],
    [
      { type: "status", status: 401 },
      { kind: "auth", status: 401 },
    ],
    [
      { type: "status", status: 413 },
      { kind: "too-long", isSplittable: true },
    ],
    [
      { type: "status", status: 429, headers: { "retry-after": "3" } },
      { kind: "throttled", retryAfterMs: 3000 },
    ],
    [
      { type: "status", status: 500 },
      { kind: "server", isUnlisted: true },
    ],
    [
      { type: "status", status: 503, headers: { "retry-after-ms": "40" } },
      { kind: "overloaded", retryAfterMs: 40 },
    ],
    [{ type: "html" }, { kind: "server", status: 502 }],
    [{ type: "html", status: 200 }, { kind: "bad-response" }],
    [{ type: "empty" }, { kind: "bad-response", message: "the response is empty" }],
    [{ type: "truncate" }, { kind: "bad-response" }],
    [{ type: "truncate", framing: "cut" }, { kind: "network" }],
    [{ type: "truncate", framing: "until-close" }, { kind: "bad-response" }],
    [{ type: "reset" }, { kind: "network", code: "ECONNRESET" }],
    [{ type: "hang-up" }, { kind: "network", code: "UND_ERR_SOCKET" }],
    [{ type: "stall" }, { kind: "timeout", code: "UND_ERR_BODY_TIMEOUT" }],
    [
      { type: "stall", bytes: 500 },
      { kind: "timeout", code: "UND_ERR_BODY_TIMEOUT" },
    ],
    [{ type: "trickle" }, { kind: "timeout", code: "TOTAL_TIMEOUT" }],
    [
      { type: "vectors", defect: "missing" },
      { kind: "bad-response", message: "the response contains 1 vectors for 2 inputs" },
    ],
    [
      { type: "vectors", defect: "extra" },
      { kind: "bad-response", message: "the response contains 3 vectors for 2 inputs" },
    ],
    [{ type: "vectors", defect: "short" }, { kind: "bad-response" }],
    [{ type: "vectors", defect: "ragged" }, { kind: "bad-response" }],
    [{ type: "vectors", defect: "nan" }, { kind: "bad-response" }],
    [{ type: "vectors", defect: "null" }, { kind: "bad-response" }],
    [{ type: "vectors", defect: "zero" }, { kind: "bad-response" }],
    [{ type: "vectors", defect: "huge" }, { kind: "bad-response" }],
  ] as const)("by %j is reported as %j", async (action, expected) => {
    const { type } = action;
    // Only the faults that must run into a limit have a short one, because it applies to the next call, too.
    const transport = type === "stall" ? { idleTimeoutMs: 1_000 } : type === "trickle" ? { totalTimeoutMs: 2_000 } : {};
    const setUp = await setup({ faults: [{ action, calls: 1 }] }, { transport });
    const error = await failure(setUp);
    expect(error.name).toBe("ProviderError");
    expect(error).toMatchObject({ provider: "minimax", ...expected });
    // The next call succeeds on the same or a new connection.
    await expect(setUp.model.embed({ inputs: ["a"] }, call())).resolves.toMatchObject({ dimensions: 1536 });
  });

  it("by one text fails only with that text", async () => {
    const setUp = await setup({ faults: [{ action: { type: "code", code: 1026 }, text: "POISON" }] });
    expect(await failure(setUp, ["good", "this is POISON"])).toMatchObject({ kind: "content-filter" });
    await expect(setUp.model.embed({ inputs: ["good"] }, call())).resolves.toBeDefined();
  });

  it("is not an error when the connection closes after the complete response", async () => {
    const { model } = await setup({ faults: [{ action: { type: "connection-close" } }] });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => model.embed({ inputs: [`${n}`] }, call())));
    expect(answers.map(({ vectors }) => vectors.length)).toEqual(Array(20).fill(1536));
  });

  it("is aborted immediately by its signal", async () => {
    const { model, simulator } = await setup({ latency: { fixedMs: 60_000 } });
    const abort = new AbortController();
    const answer = model.embed({ inputs: ["a"] }, { signal: abort.signal });
    const ended = expect(answer).rejects.toMatchObject({ kind: "aborted", provider: "minimax" });
    await waitFor(() => simulator.statistics().inFlight === 1);
    abort.abort();
    await ended;
    await waitFor(() => simulator.statistics().inFlight === 0);
  });
});
