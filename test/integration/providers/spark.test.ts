import { afterEach, describe, expect, it } from "vitest";
import type { ChatEvent, ChatRequest, ChatResponse, Provider } from "#src/providers/provider.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { SPARK_CODES, SPARK_EMBEDDING_SERVICES, SPARK_VERSIONS } from "#src/providers/spark/profile.ts";
import { createTransport } from "#src/providers/transport/http.ts";
import type { SocketOptions } from "#src/providers/transport/websocket.ts";
import { embedText, toFloats } from "#src/simulator/answers/embed-text.ts";
import type { CallReport } from "#src/simulator/server/statistics.ts";
import { SIMULATOR_API_KEY, type Simulator, type SimulatorOptions, startSimulator } from "#src/simulator/simulator.ts";
import { SIMULATED_SPARK } from "#src/simulator/spark/spark.ts";
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

const SHORT = { firstFrameTimeoutMs: 150, idleTimeoutMs: 150 };

interface SparkOptions {
  apiKey?: string;
  extra?: Record<string, string>;
  socket?: SocketOptions;
}

function spark(simulator: Simulator, { apiKey, extra, socket = {} }: SparkOptions = {}): Provider {
  const transport = createTransport({ socket });
  const { url, httpUrl, embeddingUrl } = simulator.spark;
  const { appId, apiSecret } = SIMULATED_SPARK;
  const provider = createRegistry().createProvider(
    "spark",
    {
      baseUrl: url,
      apiKey: apiKey ?? SIMULATOR_API_KEY,
      extra: extra ?? { appId, apiSecret, httpBaseUrl: httpUrl, embeddingBaseUrl: embeddingUrl },
    },
    transport,
  );
  cleanups.push(() => provider.close());
  return provider;
}

const call = () => ({ signal: new AbortController().signal });
const question: ChatRequest = { messages: [{ role: "user", content: "今天 is the weather fine?" }] };

function ask(provider: Provider, model = "max", request = question): Promise<ChatResponse> {
  return provider.chat!(model).generate(request, call());
}

async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of iterable) all.push(one);
  return all;
}

async function failWith(
  simulator: Simulator,
  defect: string,
  { socket = {}, ...more }: { socket?: SocketOptions; code?: number } = {},
): Promise<unknown> {
  simulator.configure({ faults: [{ action: { type: "frames", defect, ...more } as never }] });
  return ask(spark(simulator, { socket })).then(
    () => "success",
    (error) => error,
  );
}

describe("Spark chat over WebSocket", () => {
  it.each(SPARK_VERSIONS.map(({ model }) => model))("answers as %s with and without streaming", async (model) => {
    const simulator = await start();
    const provider = spark(simulator);
    const events: ChatEvent[] = [];
    const request: ChatRequest = {
      messages: [{ role: "system", content: "Be kind." }, ...question.messages],
    };
    for await (const event of provider.chat!(model).stream(request, call())) events.push(event);
    const end = events.pop();
    if (end?.type !== "end") throw new Error("no end");
    const text = events.map((event) => (event.type === "text-delta" ? event.text : "")).join("");
    expect(text).toBe(end.response.text);
    expect(events.length).toBeGreaterThan(3);
    const { requestId: _, ...whole } = await ask(provider, model, request);
    expect(end.response).toMatchObject(whole);
    expect(whole.usage.totalTokens).toBe((whole.usage.inputTokens ?? 0) + (whole.usage.outputTokens ?? 0));
    expect(simulator.statistics()).toMatchObject({ calls: 2, answered: 2, refused: 0, inFlight: 0 });
  });

  it("sends complete system messages to versions without that role", async () => {
    const reports: CallReport[] = [];
    const provider = spark(await start({ onCall: (report) => reports.push(report) }));
    const messages = [{ role: "system" as const, content: "S\n### user: x" }, ...question.messages];
    await ask(provider, "lite", { messages });
    await ask(provider, "max", { messages });
    expect(reports.map(({ texts }) => texts)).toEqual([
      ["S\n### user: x\n\n今天 is the weather fine?"],
      ["S\n### user: x", "今天 is the weather fine?"],
    ]);
  });

  it("calls functions in versions that support them", async () => {
    const tools = [{ type: "function", function: { name: "weather", parameters: {} } }];
    const response = await ask(spark(await start()), "ultra", { ...question, tools });
    expect(response).toMatchObject({
      toolCalls: [{ name: "weather", arguments: '{"city":"合肥"}' }],
      finishReason: { unified: "tool-calls" },
    });
  });

  it("reports an answer truncated by the requested limit", async () => {
    const provider = spark(await start());
    expect((await ask(provider, "max", { ...question, maxTokens: 3 })).finishReason.unified).toBe("length");
    expect((await ask(provider)).finishReason.unified).toBe("stop");
  });

  it("runs many concurrent calls of one account, each with its own uid", async () => {
    const simulator = await start();
    const provider = spark(simulator);
    const release = simulator.hold();
    const asked = Promise.all(Array.from({ length: 40 }, () => ask(provider)));
    await waitFor(() => simulator.statistics().inFlight === 40, { what: "40 concurrent calls" });
    release();
    const answers = await asked;
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(simulator.statistics()).toMatchObject({ answered: 40, refused: 0, max: { concurrency: 40 } });
  });

  it.each(["duplicated", "one-frame", "empty-frames", "split-utf8", "two-last", "more-after-last", "no-close"])(
    "gives the same answer when frames are %s",
    async (defect) => {
      const simulator = await start();
      const { text } = await ask(spark(simulator));
      simulator.configure({ faults: [{ action: { type: "frames", defect } as never }] });
      expect((await ask(spark(simulator))).text).toBe(text);
    },
  );

  it.each([
    ["gap", "bad-response"],
    ["reordered", "success"],
    ["close-early", "bad-response"],
    ["half-close", "network"],
    ["reset", "network"],
    ["silence", "timeout"],
    ["stall", "timeout"],
    ["pings-only", "timeout"],
    ["binary", "bad-response"],
    ["not-json", "bad-response"],
    ["huge", "bad-response"],
    ["fragments", "bad-response"],
    ["code-after-text", "content-filter"],
  ])("maps %s to %s", async (defect, kind) => {
    const outcome = await failWith(await start(), defect, kind === "timeout" ? { socket: SHORT } : {});
    if (kind === "success") expect(outcome).toBe("success");
    else expect(outcome).toMatchObject({ kind, provider: "spark" });
  });

  it.each(Object.keys(SPARK_CODES).map(Number))("maps code %d by the table, alone and after text", async (code) => {
    const simulator = await start({ faults: [{ action: { type: "code", code, message: "PROMPT" } }] });
    const expected = { kind: SPARK_CODES[code]?.kind, code: String(code), isUnlisted: false };
    const error = await ask(spark(simulator)).catch((thrown) => thrown);
    expect(error).toMatchObject(expected);
    expect(error.message).not.toContain("PROMPT");
    expect(await failWith(simulator, "code-after-text", { code })).toMatchObject(expected);
  });

  it("is throttled by calls, connections and the daily quota, each with its code", async () => {
    const perSecond = await start({ limits: { requestsPerWindow: 1 } });
    const provider = spark(perSecond);
    await ask(provider);
    await expect(ask(provider)).rejects.toMatchObject({
      code: "11202",
      dimension: "requests",
      retryAfterMs: 1000,
    });
    const busy = await start({ limits: { concurrency: 1 }, latency: { fixedMs: 60_000 } });
    const abort = new AbortController();
    const first = spark(busy).chat!("max").generate(question, abort);
    await waitFor(() => busy.statistics().inFlight === 1);
    await expect(ask(spark(busy))).rejects.toMatchObject({ code: "11203", dimension: "concurrency" });
    abort.abort();
    await expect(first).rejects.toMatchObject({ kind: "aborted" });
    await waitFor(() => busy.statistics().inFlight === 0);
    await expect(ask(spark(await start({ limits: { tokensPerWindow: 1 } })))).rejects.toMatchObject({
      code: "11201",
      kind: "quota",
    });
  });

  it("ends promptly when aborted during an answer", async () => {
    const simulator = await start({ deltaMs: 20 });
    const abort = new AbortController();
    const seen: ChatEvent[] = [];
    const reading = (async () => {
      for await (const event of spark(simulator).chat!("max").stream(question, abort)) {
        seen.push(event);
        abort.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ kind: "aborted" });
    expect(seen).toHaveLength(1);
  });
});

describe("Spark credentials", () => {
  const extra = (simulator: Simulator, change: Record<string, string>) => ({
    appId: SIMULATED_SPARK.appId,
    apiSecret: SIMULATED_SPARK.apiSecret,
    embeddingBaseUrl: simulator.spark.embeddingUrl,
    ...change,
  });
  const embed = (provider: Provider) => provider.embedding!("embedding").embed({ inputs: ["x"] }, call());

  it.each([
    ["another key", "wrong", {}],
    ["another secret", SIMULATOR_API_KEY, { apiSecret: "wrong" }],
  ])("are rejected at the handshake for %s", async (_, apiKey, change) => {
    const simulator = await start();
    const provider = spark(simulator, { apiKey, extra: extra(simulator, change) });
    for (const attempt of [ask, embed])
      await expect(attempt(provider)).rejects.toMatchObject({
        kind: "auth",
        status: 401,
        message: expect.stringMatching(/SPARK_API_KEY.*SPARK_API_SECRET/),
      });
  });

  it("are rejected for another app", async () => {
    const simulator = await start();
    const provider = spark(simulator, { extra: extra(simulator, { appId: "another1" }) });
    for (const attempt of [ask, embed])
      await expect(attempt(provider)).rejects.toMatchObject({ kind: "auth", code: "11200" });
  });

  it.each([
    [600_000, "600 s behind"],
    [-600_000, "600 s ahead"],
  ])("are rejected with a clock skew of %d ms, which the message reports", async (clockAheadMs, words) => {
    const simulator = await start({ spark: { clockAheadMs } });
    const error = await ask(spark(simulator)).catch((thrown) => thrown);
    expect(error).toMatchObject({ kind: "auth", status: 403 });
    expect(error.message).toMatch(/clock/);
    expect(error.message.replace(/599|601/, "600")).toContain(words);
    await expect(embed(spark(simulator))).rejects.toThrow(/clock/);
  });

  it("are accepted with a clock skew of less than 300 s", async () => {
    const provider = spark(await start({ spark: { clockAheadMs: 290_000 } }));
    expect((await ask(provider)).text).not.toBe("");
  });

  it("work behind a proxy that strips the path prefix, detected once", async () => {
    const simulator = await start({ spark: { prefix: "stripped" } });
    const provider = spark(simulator);
    const model = provider.chat!("max");
    for (let n = 0; n < 3; n++) await model.generate(question, call());
    expect(simulator.statistics()).toMatchObject({ answered: 3, refused: 1 });
    expect((await embed(provider)).dimensions).toBe(2560);
  });

  it("never appear in an error message", async () => {
    const simulator = await start({ spark: { clockAheadMs: 600_000 } });
    const error = await ask(spark(simulator)).catch((thrown) => thrown);
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toMatch(/simulator-(key|secret)/);
  });
});

describe("Spark chat over HTTP", () => {
  const password = (simulator: Simulator): SparkOptions => ({
    apiKey: SIMULATED_SPARK.apiPassword,
    extra: { apiPassword: SIMULATED_SPARK.apiPassword, httpBaseUrl: simulator.spark.httpUrl },
  });

  it("is used with only a password, and answers the same with and without streaming", async () => {
    const simulator = await start();
    const provider = spark(simulator, password(simulator));
    expect(provider.embedding).toBeUndefined();
    for (const { model, httpModel } of SPARK_VERSIONS) {
      if (httpModel === undefined) {
        expect(() => provider.chat!(model)).toThrow(/SPARK_APP_ID/);
        continue;
      }
      const whole = await ask(provider, model);
      let text = "";
      for await (const event of provider.chat!(model).stream(question, call())) {
        if (event.type === "text-delta") text += event.text;
        if (event.type === "end") expect(event.response).toMatchObject({ text, usage: whole.usage });
      }
      expect(whole).toMatchObject({ text, finishReason: { unified: "stop" } });
      expect(whole.requestId).toMatch(/^cha/);
    }
  });

  it("is used on request, with key and secret instead of a password", async () => {
    const simulator = await start();
    const { appId, apiSecret } = SIMULATED_SPARK;
    const extra = { appId, apiSecret, protocol: "http", httpBaseUrl: simulator.spark.httpUrl };
    expect((await ask(spark(simulator, { extra }), "pro")).requestId).toMatch(/^cha/);
  });

  it("rejects a wrong password with its name", async () => {
    const simulator = await start();
    const extra = { httpBaseUrl: simulator.spark.httpUrl };
    await expect(ask(spark(simulator, { apiKey: "wrong", extra }), "lite")).rejects.toMatchObject({
      kind: "auth",
      message: expect.stringContaining("SPARK_API_PASSWORD"),
    });
  });

  it.each(Object.keys(SPARK_CODES).map(Number))("maps the flat code %d by the table", async (code) => {
    const simulator = await start({ faults: [{ action: { type: "code", code, message: "PROMPT" } }] });
    const provider = spark(simulator, password(simulator));
    const expected = { kind: SPARK_CODES[code]?.kind, code: String(code) };
    await expect(ask(provider, "lite")).rejects.toMatchObject(expected);
    await expect(collect(provider.chat!("lite").stream(question, call()))).rejects.toMatchObject(expected);
  });

  it.each([
    ["error-inside", { kind: "server", code: "10012" }],
    ["no-done", { kind: "bad-response" }],
  ])("reports a stream with %s as a failure", async (defect, expected) => {
    const simulator = await start({ faults: [{ action: { type: "chat", defect } as never }] });
    const provider = spark(simulator, password(simulator));
    await expect(collect(provider.chat!("lite").stream(question, call()))).rejects.toMatchObject(expected);
  });

  it.each([
    [{ temperature: 2.1 }, "temperature"],
    [{ topP: 0 }, "top_p"],
    [{ maxTokens: 0 }, "max_tokens"],
  ])("rejects %j with its range before any call", async (change, name) => {
    const simulator = await start();
    const provider = spark(simulator, password(simulator));
    await expect(ask(provider, "lite", { ...question, ...change })).rejects.toThrow(name);
    expect(simulator.statistics().calls).toBe(0);
  });
});

describe("Spark embeddings", () => {
  it.each(SPARK_EMBEDDING_SERVICES.map(({ model }) => model))("embed one text as %s", async (model) => {
    const reports: CallReport[] = [];
    const simulator = await start({ onCall: (report) => reports.push(report) });
    const embedding = spark(simulator).embedding!(model);
    expect(embedding).toMatchObject({ maxInputs: 1, maxTokens: 2048 });
    for (const purpose of ["db", "query"] as const) {
      const { vectors, dimensions } = await embedding.embed({ inputs: ["你好 hello"], purpose }, call());
      expect(dimensions).toBe(2560);
      expect(vectors).toEqual(toFloats(embedText("你好 hello", 2560)));
    }
    const paths = model === "embedding" ? 1 : 2;
    expect(new Set(reports.map(({ path }) => path)).size).toBe(paths);
  });

  it("accept one input and 2560 dimensions, checked before any call", async () => {
    const simulator = await start();
    const embedding = spark(simulator).embedding!("embedding");
    await expect(embedding.embed({ inputs: ["a", "b"] }, call())).rejects.toMatchObject({
      kind: "invalid-request",
      isSplittable: true,
    });
    await expect(embedding.embed({ inputs: [] }, call())).rejects.toMatchObject({ isSplittable: false });
    await expect(embedding.embed({ inputs: ["a"], dimensions: 512 }, call())).rejects.toThrow("2560");
    expect(simulator.statistics().calls).toBe(0);
  });

  it("report a text that is too long", async () => {
    const embedding = spark(await start()).embedding!("embedding");
    const inputs = ["字".repeat(2049)];
    await expect(embedding.embed({ inputs }, call())).rejects.toMatchObject({
      kind: "too-long",
      code: "10907",
    });
  });

  it.each(["missing", "extra", "short", "nan", "null", "zero", "huge"] as const)(
    "refuse a vector that is %s",
    async (defect) => {
      const simulator = await start({ faults: [{ action: { type: "vectors", defect } }] });
      const embedding = spark(simulator).embedding!("embedding-v2");
      await expect(embedding.embed({ inputs: ["a"] }, call())).rejects.toMatchObject({
        kind: "bad-response",
      });
    },
  );
});

describe("the Spark simulator", () => {
  it("closes a connection without a request", async () => {
    const simulator = await start({ spark: { idleMs: 50 } });
    const { WebSocket } = await import("ws");
    const { signUrl } = await import("#src/providers/spark/sign-request.ts");
    const url = new URL(`${simulator.spark.url}/v3.5/chat`);
    const target = { method: "GET" as const, host: url.host, path: url.pathname };
    const keys = { apiKey: SIMULATOR_API_KEY, apiSecret: SIMULATED_SPARK.apiSecret };
    const client = new WebSocket(signUrl(url, target, keys, Date.now()));
    const code = await new Promise((resolve) => client.on("close", resolve));
    expect(code).toBe(1000);
  });

  it.each([
    ["domain", { parameter: { chat: { domain: "lite" } } }, 10005],
    ["temperature", { parameter: { chat: { domain: "generalv3.5", temperature: 0 } } }, 10005],
    ["top_k", { parameter: { chat: { domain: "generalv3.5", top_k: 7 } } }, 10005],
    ["max_tokens", { parameter: { chat: { domain: "generalv3.5", max_tokens: 8193 } } }, 10005],
    ["uid", { header: { app_id: SIMULATED_SPARK.appId, uid: "u".repeat(33) } }, 10004],
    ["app", { header: { app_id: "another1" } }, 11200],
    ["no message", { payload: { message: { text: [] } } }, 10004],
    [
      "a late system",
      {
        payload: {
          message: {
            text: [
              { role: "user", content: "a" },
              { role: "system", content: "b" },
            ],
          },
        },
      },
      10004,
    ],
    ["too much", { payload: { message: { text: [{ role: "user", content: "字".repeat(9000) }] } } }, 10907],
  ])("rejects a request for its %s", async (_, change, code) => {
    const simulator = await start();
    const { signUrl } = await import("#src/providers/spark/sign-request.ts");
    const base = new URL(`${simulator.spark.url}/v3.5/chat`);
    const keys = { apiKey: SIMULATOR_API_KEY, apiSecret: SIMULATED_SPARK.apiSecret };
    const url = signUrl(base, { method: "GET", host: base.host, path: base.pathname }, keys, Date.now());
    const message = JSON.stringify({
      header: { app_id: SIMULATED_SPARK.appId },
      parameter: { chat: { domain: "generalv3.5" } },
      payload: { message: { text: [{ role: "user", content: "a" }] } },
      ...change,
    });
    const transport = createTransport();
    cleanups.push(() => transport.close());
    const answer = await transport.openSocket!({ provider: "spark", url, message }, call());
    if (!("frames" in answer)) throw new Error("refused");
    const [frame] = (await collect(answer.frames)).flat();
    expect(JSON.parse(frame ?? "{}").header).toMatchObject({ code });
  });
});
