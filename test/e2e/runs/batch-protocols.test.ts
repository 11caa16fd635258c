import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SIMULATOR_API_KEY, type Simulator } from "#src/simulator/simulator.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

interface Protocol {
  readonly provider: string;
  readonly model: string;
  readonly env: (simulator: Simulator) => Readonly<Record<string, string>>;
  /** The field of an assistant message that the vendor needs back. */
  readonly signed: RegExp;
}

const PROTOCOLS: readonly Protocol[] = [
  {
    provider: "anthropic",
    model: "claude-sonnet-4-6",
    env: ({ anthropicUrl }) => ({ ANTHROPIC_API_KEY: SIMULATOR_API_KEY, ANTHROPIC_BASE_URL: anthropicUrl }),
    signed: /"signature":"[\w+/]+=*"/,
  },
  {
    provider: "gemini",
    model: "gemini-3.5-flash",
    env: ({ geminiUrl }) => ({ GEMINI_API_KEY: SIMULATOR_API_KEY, GEMINI_BASE_URL: geminiUrl }),
    signed: /"thought_signature":"[\w+/]+=*"/,
  },
];

interface ChatLine {
  readonly custom_id: string;
  readonly response: {
    readonly body: {
      readonly choices: readonly [
        { readonly message: Readonly<Record<string, unknown>>; readonly finish_reason: string },
      ];
      readonly usage: Readonly<Record<string, unknown>>;
    };
  };
}

const PNG = "data:image/png;base64,iVBORw0KGgo=";
const parameters = { type: "object", properties: { text: { type: "string" } }, additionalProperties: false };
const TOOLS = [{ type: "function", function: { name: "weather", description: "Looks it up", parameters } }];

const line = (custom_id: string, body: object) =>
  JSON.stringify({ custom_id, method: "POST", url: "/v1/chat/completions", body });
const user = (content: unknown) => ({ role: "user", content });

const REQUESTS: Readonly<Record<string, object>> = {
  plain: { messages: [{ role: "system", content: "Be brief." }, user("12 + 30")], temperature: 1, max_tokens: 100 },
  image: {
    messages: [
      user([
        { type: "image_url", image_url: { url: PNG } },
        { type: "text", text: "3 + 4" },
      ]),
    ],
  },
  schema: {
    messages: [user("say it")],
    response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema: parameters } },
  },
  tool: { messages: [user("Weather?")], tools: TOOLS, tool_choice: "required" },
  reasoning: { messages: [user("5 + 6")], reasoning_effort: "low" },
};

describe.each(PROTOCOLS)("$provider", ({ provider, model, env, signed }) => {
  const open = async () => {
    const sandbox = await CliSandbox.open();
    const run = (args: readonly string[]) => sandbox.run(args, { env: env(sandbox.simulator) });
    const batch = async (lines: readonly string[], out: string) => {
      sandbox.write("requests.jsonl", lines.join("\n"));
      const result = await run(["batch", "requests.jsonl", "--model", provider, "--out", out, "--workers", "1"]);
      const output = sandbox.path(out, "output.jsonl");
      return { ...result, lines: existsSync(output) ? (readJsonl(output) as unknown as ChatLine[]) : [] };
    };
    return { sandbox, run, batch };
  };

  it("answers an OpenAI batch file with tools, images, schemas and reasoning, and continues from its output", async () => {
    const { sandbox, batch } = await open();
    await using _ = sandbox;
    const requests = Object.entries(REQUESTS);
    const first = await batch(
      requests.map(([id, body]) => line(id, { model, ...body })),
      "first",
    );
    expect({ code: first.code, stderr: first.stderr }).toMatchObject({ code: 0 });
    const answers = new Map(first.lines.map((one) => [one.custom_id, one.response.body]));
    const messageOf = (id: string) => answers.get(id)?.choices[0].message ?? {};
    expect([...answers.keys()]).toEqual(Object.keys(REQUESTS));
    expect(messageOf("plain").content).toBe("12 + 30 = 42\n#### 42");
    expect(messageOf("image").content).toBe("3 + 4 = 7\n#### 7");
    expect(JSON.parse(String(messageOf("schema").content))).toEqual({ text: "say it" });
    expect(messageOf("tool")).toMatchObject({
      content: null,
      tool_calls: [{ type: "function", function: { name: "weather", arguments: '{"text":"Weather?"}' } }],
    });
    expect(answers.get("tool")?.choices[0].finish_reason).toBe("tool_calls");
    expect(messageOf("reasoning")).toMatchObject({ content: "5 + 6 = 11\n#### 11", reasoning_content: /\w/ });
    expect(JSON.stringify(messageOf("reasoning"))).toMatch(signed);
    expect(answers.get("plain")?.usage).toMatchObject({ total_tokens: expect.any(Number) });

    const [call] = messageOf("tool").tool_calls as [{ readonly id: string }];
    const results = [messageOf("tool"), { role: "tool", tool_call_id: call.id, content: "20 + 1" }];
    const second = await batch(
      [
        line("tool", { model, messages: [user("Weather?"), ...results], tools: TOOLS }),
        line("reasoning", { model, messages: [user("5 + 6"), messageOf("reasoning"), user("1 + 1")] }),
      ],
      "second",
    );
    expect({ code: second.code, stderr: second.stderr }).toMatchObject({ code: 0 });
    expect(second.lines.map((one) => one.response.body.choices[0].message.content)).toEqual([
      "20 + 1 = 21\n#### 21",
      "1 + 1 = 2\n#### 2",
    ]);
  });

  it("reports by line what cannot be translated, before the first call", async () => {
    const { sandbox, batch } = await open();
    await using _ = sandbox;
    const { code, stderr } = await batch(
      [
        line("ok", { model, messages: [user("1 + 1")] }),
        line("part", { model, messages: [user([{ type: "hologram" }])] }),
        line("bias", { model, messages: [user("1 + 1")], logit_bias: { "50256": -100 } }),
      ],
      "out",
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/requests\.jsonl:2: .*messages\[0\]\.content\[0\] cannot be expressed/);
    expect(stderr).toMatch(/requests\.jsonl:3: .*logit_bias cannot be expressed/);
    expect(sandbox.simulator.statistics().calls).toBe(0);
  });

  it("works with ping, chat and models", async () => {
    const { sandbox, run } = await open();
    await using _ = sandbox;
    const name = `${provider}/${model}`;
    expect(await run(["ping", name])).toMatchObject({ code: 0, stdout: expect.stringContaining(`${name}: ok`) });
    const chat = await run(["chat", "40 + 2", "--model", name]);
    expect(chat).toMatchObject({ code: 0, stdout: expect.stringContaining("40 + 2 = 42") });
    expect(await run(["models", provider])).toMatchObject({ code: 0, stdout: expect.stringContaining(provider) });
  });
});

it("answers moderations in OpenAI's form, and embeds token ids and packed bits", async () => {
  await using sandbox = await CliSandbox.open();
  const { openaiUrl, jinaUrl } = sandbox.simulator;
  const keys = { OPENAI_API_KEY: SIMULATOR_API_KEY, JINA_API_KEY: SIMULATOR_API_KEY };
  const batch = async (name: string, url: string, bodies: readonly object[]) => {
    const lines = bodies.map((body, at) => JSON.stringify({ custom_id: `${at}`, method: "POST", url, body }));
    sandbox.write(`${name}.jsonl`, lines.join("\n"));
    const env = { ...keys, OPENAI_BASE_URL: openaiUrl, JINA_BASE_URL: jinaUrl };
    const { code, stderr } = await sandbox.run(["batch", `${name}.jsonl`, "--model", "openai", "--out", name], { env });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const answers = readJsonl(sandbox.path(name, "output.jsonl")) as unknown as { response: { body: unknown } }[];
    return answers.map(({ response }) => response.body);
  };
  const moderations = [{ input: ["peace", "violence"] }, { input: [{ type: "text", text: "hate" }] }];
  const flagged = (isFlagged: boolean) => expect.objectContaining({ flagged: isFlagged });
  expect(await batch("moderations", "/v1/moderations", moderations)).toMatchObject([
    { id: expect.stringMatching(/^modr-/), model: "omni-moderation-latest", results: [flagged(false), flagged(true)] },
    { results: [flagged(true)] },
  ]);
  const model = "text-embedding-3-small";
  const [one, two] = (await batch("tokens", "/v1/embeddings", [
    { model, input: [1, 2, 3] },
    { model, input: [[4], [5, 6]] },
  ])) as { data: { embedding: number[] }[]; usage: object }[];
  expect([one?.usage, one?.data.length, two?.data.length]).toEqual([{ prompt_tokens: 3, total_tokens: 3 }, 1, 2]);
  const type = { model: "jina/jina-embeddings-v3", embedding_type: "binary" };
  const [bits] = (await batch("bits", "/v1/embeddings", [{ ...type, input: "a" }])) as {
    data: { embedding: number[] }[];
  }[];
  const values = bits?.data[0]?.embedding ?? [];
  expect(values).toHaveLength(128);
  expect(values.every((value) => Number.isInteger(value) && value >= -128 && value < 128)).toBe(true);
});
