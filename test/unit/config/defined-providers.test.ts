import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { loadConfig } from "#src/config/config.ts";
import { listDefinedProviders } from "#src/config/defined-providers.ts";
import { parseSettings } from "#src/config/settings-file.ts";
import { createRegistry } from "#src/providers/registry.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function load(yaml: string, env: Record<string, string> = {}) {
  const cwd = mkdtempSync(join(tmpdir(), "sluice-defined-"));
  folders.push(cwd);
  writeFileSync(join(cwd, "sluice.yaml"), yaml);
  return loadConfig({ cwd, env });
}

const GATEWAY = `
compatible:
  gateway:
    baseUrl: https://llm.example.com/v1/
    apiKeyEnv: GATEWAY_KEY
    models:
      team/large: { kind: chat, maxTokens: 1000, limits: { concurrency: 3 }, price: { inputPerMillionTokens: 2, currency: USD } }
      vectors: { kind: embedding, dimensions: 8, maxInputs: 4 }
  local:
    baseUrl: http://127.0.0.1:9000/v1
    models: { small: { kind: chat } }
`;

describe("providers defined in sluice.yaml", () => {
  it("have accounts, limits and prices like built-in providers", () => {
    const config = load(GATEWAY, { GATEWAY_KEY: "secret-of-gateway" });
    const [account] = config.accounts("gateway");
    expect(account).toMatchObject({ name: "default", baseUrl: "https://llm.example.com/v1" });
    expect(account?.apiKey.reveal()).toBe("secret-of-gateway");
    expect(config.redactions()).toContain("secret-of-gateway");
    expect(config.providers).toContain("gateway");
    const lane = { provider: "gateway", account: "default", model: "team/large" };
    expect(config.limits(lane)).toEqual({ concurrency: 3 });
    expect(config.registry.findModel("gateway/team/large").model.price).toEqual({
      inputPerMillionTokens: 2,
      currency: "USD",
    });
  });

  it("know which setting each value is from, so that errors name what to change", () => {
    const config = load(`${GATEWAY}
providers:
  minimax: { baseUrl: "https://m.example/v1", accounts: [{ name: a, apiKeyEnv: KEY_A }, { name: b, apiKey: b, baseUrl: "https://b.example" }] }
  zhipu: { apiKey: id.secret }
`);
    const sourcesOf = (provider: string, account = 0) =>
      Object.fromEntries(config.accounts(provider)[account]?.sources ?? []);
    expect(sourcesOf("local")).toEqual({ LOCAL_BASE_URL: "baseUrl of local in sluice.yaml" });
    expect(sourcesOf("zhipu")).toEqual({ ZHIPU_API_KEY: "apiKey of zhipu in sluice.yaml" });
    expect(sourcesOf("minimax")).toEqual({
      MINIMAX_API_KEY: "apiKey of the account b in sluice.yaml",
      MINIMAX_BASE_URL: "baseUrl of the account b in sluice.yaml",
    });
    const complete = load(
      `${GATEWAY}
providers: { minimax: { baseUrl: "https://m.example/v1", accounts: [{ name: a, apiKeyEnv: KEY_A }] } }`,
      {
        ...{ KEY_A: "secret-of-a", GATEWAY_KEY: "secret-of-gateway" },
      },
    );
    expect(Object.fromEntries(complete.accounts("minimax")[0]?.sources ?? [])).toEqual({
      MINIMAX_API_KEY: "KEY_A",
      MINIMAX_BASE_URL: "baseUrl of minimax in sluice.yaml",
    });
    expect(Object.fromEntries(complete.accounts("gateway")[0]?.sources ?? [])).toEqual({
      GATEWAY_API_KEY: "GATEWAY_KEY",
      GATEWAY_BASE_URL: "baseUrl of gateway in sluice.yaml",
    });
  });

  it("replace a built-in provider of the same name, so that an update of Sluice breaks no configuration", () => {
    const gemini =
      "compatible: { gemini: { baseUrl: https://x.example/v1, apiKeyEnv: MY_KEY, models: { m: { kind: chat } } } }";
    const config = load(gemini, { MY_KEY: "secret-of-gemini" });
    expect(config.providers.filter((name) => name === "gemini")).toHaveLength(1);
    expect(config.registry.providers.filter(({ name }) => name === "gemini")).toHaveLength(1);
    expect(config.accounts("gemini")[0]).toMatchObject({ baseUrl: "https://x.example/v1" });
    expect(config.accounts("gemini")[0]?.apiKey.reveal()).toBe("secret-of-gemini");
    expect(config.registry.listModels("gemini").map(({ name }) => name)).toContain("m");
    expect(() => load(`${gemini}\nproviders: { gemini: { apiKeyEnv: OTHER } }`)).toThrow(
      "compatible.gemini: this definition replaces the built-in provider; remove providers.gemini, or rename one",
    );
  });

  it("have an API version only with the profile of Azure", () => {
    const settings = "{ baseUrl: https://x.example, apiVersion: '2024-10-21', models: { m: { kind: chat } } }";
    expect(() => load(`compatible: { a: ${settings} }`)).toThrow(
      'compatible.a.apiVersion: expected "profile: azure-openai" beside it',
    );
  });

  it("have settings for servers that deviate from the protocol, whose credentials are redacted", () => {
    const config = load(`
compatible:
  azure:
    profile: azure-openai
    apiVersion: "2024-10-21"
    baseUrl: https://x.example
    authHeader: api-key
    endOfStream: finish-reason
    headers: { x-gateway-token: header-secret, x-team: search }
    query: { tenant: a }
    timeouts: { firstByte: 10m, idle: 2s }
    models: { m: { kind: chat } }
`);
    expect(config.redactions()).toContain("header-secret");
    expect(config.redactions()).not.toContain("search");
    expect(
      listDefinedProviders(
        parseSettings(
          "compatible: { a: { baseUrl: https://x.example, timeouts: { firstByte: 10m, total: 1h }, models: { m: { kind: chat } } } }",
          "f",
          [],
        ).settings,
      ),
    ).toEqual([expect.objectContaining({ name: "a", timeouts: { firstByteMs: 600_000, totalMs: 3_600_000 } })]);
  });

  it("do not differ from built-in ones in their timeouts", () => {
    const config = load("providers: { zhipu: { timeouts: { firstByte: 2m, total: 1h } } }");
    expect(config.timeLimits("zhipu")).toEqual({ headersMs: 120_000, totalMs: 3_600_000 });
    expect(config.timeLimits("minimax")).toBeUndefined();
  });

  it.each([
    ["timeouts: { idle: 5 }", /timeouts\.idle/],
    ["endOfStream: never", /endOfStream.*done, finish-reason or end-of-body/],
    ['headers: { x: "a\\nb" }', /headers/],
    ['authHeader: "a b"', /authHeader/],
  ])("report %s as a problem", (setting, problem) => {
    const yaml = `compatible: { a: { baseUrl: https://x.example, ${setting}, models: { m: { kind: chat } } } }`;
    expect(() => load(yaml)).toThrow(problem);
  });

  it("report a missing key, and need no key if none is configured", () => {
    const config = load(GATEWAY);
    expect(config.missing("gateway")).toEqual(["GATEWAY_KEY"]);
    expect(config.accounts("gateway")).toEqual([]);
    expect(config.accounts("local").map(({ apiKey }) => apiKey.reveal())).toEqual([""]);
  });

  it("are found by all lookups of this configuration, and by no other", () => {
    const { findModel, findProvider } = load(GATEWAY).registry;
    expect(findModel("gateway/team/large").model).toEqual({
      name: "team/large",
      kind: "chat",
      maxTokens: 1000,
      price: { inputPerMillionTokens: 2, currency: "USD" },
    });
    expect(findModel("gateway/vectors").model).toMatchObject({ maxInputs: 4, dimensions: 8 });
    expect(findProvider("local").defaultBaseUrl).toBe("http://127.0.0.1:9000/v1");
    expect(() => createRegistry().findProvider("local")).toThrow(/not a known provider/);
  });

  it.each([
    ["Gate_Way: { baseUrl: https://x.example, models: {} }", /lower-case letters/],
    ["gate: { models: {} }", /gate\.baseUrl/],
    ["gate: { baseUrl: https://x.example }", /gate\.models/],
    ['gate: { baseUrl: https://x.example, models: { "a b": { kind: chat } } }', /names of up to 128 letters/],
    [
      "gate: { baseUrl: https://x.example, models: { a: { kind: image } } }",
      /kind: expected chat, embedding or rerank/,
    ],
    ["gate: { baseUrl: https://x.example, model: {}, models: {} }", /did you mean "models"/],
  ])("are refused with every problem named: %s", (line, words) => {
    expect(() => load(`compatible:\n  ${line}\n`)).toThrow(words);
  });
});

describe("servers that run without a key", () => {
  it("are configured by their URL alone", () => {
    expect(load("").accounts("ollama")).toEqual([]);
    expect(load("").missing("ollama")).toEqual(["OLLAMA_BASE_URL"]);
    const config = load("", { OLLAMA_BASE_URL: "http://127.0.0.1:11434/v1" });
    expect(config.accounts("ollama")).toMatchObject([{ baseUrl: "http://127.0.0.1:11434/v1" }]);
    expect(config.warnings).toEqual([]);
  });
});
