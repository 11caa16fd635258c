import { afterEach, describe, expect, it } from "vitest";
import type { ProviderError } from "#src/core/failures/errors.ts";
import type { ChatEvent, ChatMessage, ChatRequest } from "#src/providers/provider.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { createTransport } from "#src/providers/transport/http.ts";
import { SIMULATOR_API_KEY, type Simulator, type SimulatorOptions, startSimulator } from "#src/simulator/simulator.ts";

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((each) => each.close()));
});

async function start(options: SimulatorOptions = {}, extra: Record<string, string> = {}) {
  const simulator = await startSimulator(options);
  const transport = createTransport();
  closing.push(simulator, transport);
  const account = { baseUrl: simulator.url, apiKey: options.apiKey ?? SIMULATOR_API_KEY, extra };
  return { simulator, provider: createRegistry().createProvider("minimax", account, transport), transport };
}

const MODELS = ["abab5.5s-chat", "abab6.5s-chat", "MiniMax-Text-01", "MiniMax-M2"] as const;
const question: ChatMessage[] = [
  { role: "system", content: "简短回答。\n### USER: this is still the system text" },
  { role: "user", content: "What is 6 * 7? 六乘七 🙂" },
];
const live = () => new AbortController().signal;

async function stream(
  provider: Awaited<ReturnType<typeof start>>["provider"],
  model: string,
  request: Partial<ChatRequest> = {},
  signal = live(),
) {
  const events: ChatEvent[] = [];
  for await (const event of provider.chat!(model).stream({ messages: question, ...request }, { signal }))
    events.push(event);
  const end = events.at(-1);
  if (end?.type !== "end") throw new Error("no end");
  return { events, response: end.response };
}

async function failure(promise: Promise<unknown>): Promise<ProviderError> {
  const error = await promise.then(
    () => new Error("it succeeded"),
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: "ProviderError" });
  return error as ProviderError;
}

const textOf = (events: readonly ChatEvent[]) =>
  events.map((event) => (event.type === "text-delta" ? event.text : "")).join("");

describe.each(MODELS)("chat with %s", (model) => {
  it("streams the same answer in several deltas", async () => {
    const { provider, simulator } = await start();
    const whole = await provider.chat!(model).generate({ messages: question }, { signal: live() });
    const { events, response } = await stream(provider, model);
    expect(whole.text).toContain("6 * 7 = 42");
    expect(textOf(events)).toBe(whole.text);
    expect(events.filter(({ type }) => type === "text-delta").length).toBeGreaterThan(2);
    // Only complete answers have the field logprobes, which is kept.
    expect({ ...response, usage: null, extra: null }).toEqual({ ...whole, usage: null, extra: null });
    expect(response.usage.totalTokens).toBe(whole.usage.totalTokens);
    expect(response.finishReason).toEqual({ unified: "stop", raw: "stop" });
    expect(simulator.statistics()).toMatchObject({ answered: 2, refused: 0 });
  });

  it("reports a truncated answer", async () => {
    const { provider } = await start();
    const { response } = await stream(provider, model, { maxTokens: 2 });
    expect(response.finishReason.unified).toBe("length");
  });

  it("reports an error instead of a stream immediately", async () => {
    const { provider, simulator } = await start({ limits: { requestsPerWindow: 1 } });
    await stream(provider, model);
    expect(await failure(stream(provider, model))).toMatchObject({ kind: "throttled", code: "1002" });
    simulator.configure({ limits: { requestsPerWindow: null, tokensPerWindow: 1 } });
    expect(await failure(stream(provider, model))).toMatchObject({ kind: "throttled", code: "1039" });
  });

  it("reports wrong credentials", async () => {
    const { simulator, transport } = await start({ groupId: "g1" });
    const wrong = createRegistry().createProvider(
      "minimax",
      { baseUrl: simulator.url, apiKey: "sk-secret-9" },
      transport,
    );
    const error = await failure(stream(wrong, model));
    expect(error).toMatchObject({ kind: "auth", code: "1004" });
    expect(error.message).toContain("MINIMAX_API_KEY");
    expect(error.message).not.toContain("sk-secret-9");
  });

  it("rejects a temperature of 0 without a call", async () => {
    const { provider, simulator } = await start();
    expect(await failure(stream(provider, model, { temperature: 0 }))).toMatchObject({
      kind: "invalid-request",
      message: expect.stringContaining("above 0, up to 1"),
    });
    expect(simulator.statistics().calls).toBe(0);
  });

  it.each([
    ["error-inside", "server"],
    ["no-finish", "bad-response"],
    ["no-done", "bad-response"],
    ["null-choices", "bad-response"],
    ["sensitive", "content-filter"],
    ["broken-frame", "bad-response"],
  ] as const)("maps %s in a stream to %s", async (defect, kind) => {
    const { provider } = await start({ faults: [{ action: { type: "chat", defect } }] });
    expect((await failure(stream(provider, model))).kind).toBe(kind);
  });

  it.each([
    [{ type: "html", status: 502 }, "server"],
    [{ type: "html", status: 200 }, "bad-response"],
    [{ type: "empty" }, "bad-response"],
    [{ type: "code", code: 1027 }, "content-filter"],
    [{ type: "code", code: 1008 }, "quota"],
    [{ type: "code", code: 2056 }, "quota"],
    [{ type: "truncate", bytes: 700, framing: "complete" }, "bad-response"],
    [{ type: "truncate", bytes: 700, framing: "until-close" }, "bad-response"],
    [{ type: "truncate", bytes: 700, framing: "cut" }, "network"],
    [{ type: "reset" }, "network"],
  ] as const)("maps %j to %s", async (action, kind) => {
    const { provider } = await start({ faults: [{ action }] });
    expect((await failure(stream(provider, model))).kind).toBe(kind);
  });

  it("stops immediately when it is aborted", async () => {
    const { provider } = await start({ faults: [{ action: { type: "stall", bytes: 400 } }] });
    const controller = new AbortController();
    const running = stream(provider, model, {}, controller.signal);
    controller.abort();
    expect((await failure(running)).kind).toBe("aborted");
  });
});

describe("MiniMax's dialects", () => {
  it("detect a lost frame by the complete text at the end", async () => {
    const faults = [{ action: { type: "chat", defect: "lost-frame" } }] as const;
    const { provider } = await start({ faults: [...faults] });
    for (const model of MODELS.slice(0, 3))
      expect((await failure(stream(provider, model))).message).toContain("differs");
  });

  it("read events that are separated by one line feed", async () => {
    const { provider } = await start();
    const oneLine = await stream(provider, "abab5.5s-chat", { extra: { use_standard_sse: false } });
    const standard = await stream(provider, "abab5.5s-chat");
    expect(oneLine).toEqual(standard);
  });

  it("separate reasoning from the answer, in tags or in a field", async () => {
    const { provider } = await start();
    const tagged = await stream(provider, "MiniMax-M2");
    const split = await stream(provider, "MiniMax-M2", { extra: { reasoning_split: true } });
    expect(tagged.response.reasoning).toBe("想一想 🤔: the answer\nmust be short.");
    expect(split.response).toMatchObject({
      text: tagged.response.text,
      reasoning: tagged.response.reasoning,
    });
  });

  it("call tools", async () => {
    const { provider } = await start();
    const tool = { type: "function", function: { name: "add", description: "adds", parameters: {} } };
    const request = { messages: [{ role: "user" as const, content: "please add 1 and 2" }], tools: [tool] };
    for (const model of MODELS.slice(1)) {
      const { response } = await stream(provider, model, request);
      expect(response.toolCalls).toEqual([{ id: expect.any(String), name: "add", arguments: "{}" }]);
      expect(await provider.chat!(model).generate(request, { signal: live() })).toMatchObject({
        toolCalls: response.toolCalls,
      });
    }
  });

  it("send the group id where the protocol supports it", async () => {
    const { provider } = await start({ groupId: "g1" }, { groupId: "g1" });
    for (const model of MODELS) expect((await stream(provider, model)).response.text).toContain("42");
  });

  it("can be chosen by the account", async () => {
    const seen: string[] = [];
    const { provider } = await start(
      { onCall: ({ path }) => seen.push(path) },
      { dialect: "abab6.5s-chat=chatcompletion_v2, MiniMax-Text-01=openai" },
    );
    for (const model of ["abab6.5s-chat", "MiniMax-Text-01", "abab5.5-chat"]) await stream(provider, model);
    expect(seen).toEqual([
      "/minimax/v1/text/chatcompletion_v2",
      "/minimax/v1/chat/completions",
      "/minimax/v1/text/chatcompletion_pro",
    ]);
  });
});

describe("the MiniMax chat simulator", () => {
  const user = { sender_type: "USER", sender_name: "I", text: "hi" };
  const pro = {
    model: "abab5.5-chat",
    messages: [user],
    bot_setting: [{ bot_name: "B", content: "kind" }],
    reply_constraints: { sender_type: "BOT", sender_name: "B" },
  };
  const text = { model: "abab5.5s-chat", messages: [{ sender_type: "USER", text: "hi" }] };
  const v2 = { model: "MiniMax-Text-01", messages: [{ role: "user", content: "hi" }] };

  async function code(simulator: Simulator, path: string, body: unknown): Promise<number> {
    const response = await fetch(`${simulator.url}/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${SIMULATOR_API_KEY}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("application/json");
    return ((await response.json()) as { base_resp: { status_code: number } }).base_resp.status_code;
  }

  it.each<[string, string, object, number]>([
    ["a good call", "text/chatcompletion", text, 0],
    ["an empty prompt", "text/chatcompletion", { ...text, prompt: "" }, 2013],
    ["a prompt without names", "text/chatcompletion", { ...text, prompt: "x" }, 2013],
    [
      "an empty name",
      "text/chatcompletion",
      { ...text, prompt: "x", role_meta: { user_name: "", bot_name: "b" } },
      2013,
    ],
    ["beams in a stream", "text/chatcompletion", { ...text, beam_width: 2, stream: true }, 2013],
    ["temperature 0", "text/chatcompletion", { ...text, temperature: 0 }, 2013],
    ["a model of another protocol", "text/chatcompletion", { ...text, model: "MiniMax-M2" }, 2013],
    ["an assistant", "text/chatcompletion", { ...text, messages: [{ sender_type: "assistant", text: "x" }] }, 2013],
    ["a good pro call", "text/chatcompletion_pro", pro, 0],
    ["no setting", "text/chatcompletion_pro", { ...pro, bot_setting: undefined }, 2013],
    ["no constraints", "text/chatcompletion_pro", { ...pro, reply_constraints: undefined }, 2013],
    [
      "another bot's name",
      "text/chatcompletion_pro",
      { ...pro, reply_constraints: { sender_type: "BOT", sender_name: "C" } },
      2013,
    ],
    ["no sender_name", "text/chatcompletion_pro", { ...pro, messages: [{ sender_type: "USER", text: "hi" }] }, 2013],
    [
      "glyph in a stream",
      "text/chatcompletion_pro",
      { ...pro, stream: true, reply_constraints: { ...pro.reply_constraints, glyph: { type: "raw" } } },
      2013,
    ],
    ["a good v2 call", "text/chatcompletion_v2", v2, 0],
    ["temperature above 1", "text/chatcompletion_v2", { ...v2, temperature: 1.1 }, 2013],
    ["a tool choice", "text/chatcompletion_v2", { ...v2, tool_choice: "required" }, 2013],
    ["an unknown role", "text/chatcompletion_v2", { ...v2, messages: [{ role: "BOT", content: "x" }] }, 2013],
    ["no messages", "text/chatcompletion_v2", { ...v2, messages: [] }, 2013],
    ["a refused stream", "text/chatcompletion_v2", { ...v2, stream: true, n: 2 }, 2013],
  ])("answer %s with its code in JSON", async (_, path, body, expected) => {
    expect(await code(await startTracked(), path, body)).toBe(expected);
  });

  async function startTracked(): Promise<Simulator> {
    const simulator = await startSimulator();
    closing.push(simulator);
    return simulator;
  }
});
