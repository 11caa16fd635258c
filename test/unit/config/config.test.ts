import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ConfigSources, loadConfig, revealAccount } from "#src/config/config.ts";
import { ConfigError } from "#src/core/failures/errors.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "sluice-config-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function write(name: string, content: string, mode = 0o600): void {
  writeFileSync(join(cwd, name), content);
  chmodSync(join(cwd, name), mode);
}

function load(env: Record<string, string> = {}, more: ConfigSources = {}) {
  return loadConfig({ env, cwd, ...more });
}

function problems(env: Record<string, string> = {}, more: ConfigSources = {}): readonly string[] {
  try {
    load(env, more);
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
  return [];
}

describe("defaults", () => {
  it("requires no settings", () => {
    const config = load();
    expect(config).toMatchObject({ namespace: "sluice", home: cwd, logLevel: "info", noColor: false });
    expect(config.redisUrl).toBeUndefined();
    expect(config.accounts("minimax")).toEqual([]);
    expect(config.missing("minimax")).toEqual(["MINIMAX_API_KEY"]);
    expect(config.limits({ provider: "minimax", account: "default", model: "embo-01" })).toBeUndefined();
    expect(config.warnings).toEqual([]);
  });

  it("omits unset numbers, so that spreading them keeps a caller's defaults", () => {
    write("sluice.yaml", "worker: { calls: 9 }\n");
    expect({ jobs: 1, calls: 2, ...load().worker }).toEqual({ jobs: 1, calls: 9 });
  });

  it("is frozen", () => {
    const config = load();
    expect(() => Object.assign(config, { namespace: "other" })).toThrow(TypeError);
    expect(() => Object.assign(config.worker, { jobs: 1 })).toThrow(TypeError);
  });
});

describe("the environment", () => {
  it("is enough to use a provider", () => {
    const config = load({ MINIMAX_API_KEY: "sk-abc", MINIMAX_GROUP_ID: "77001" });
    expect(config.missing("minimax")).toEqual([]);
    expect(config.accounts("minimax").map(revealAccount)).toEqual([
      { baseUrl: "https://api.minimaxi.com/v1", apiKey: "sk-abc", extra: { groupId: "77001" } },
    ]);
  });

  it("treats empty variables as unset", () => {
    expect(load({ MINIMAX_API_KEY: " ", MINIMAX_BASE_URL: "", NO_COLOR: "", REDIS_URL: "" })).toMatchObject({
      redisUrl: undefined,
      noColor: false,
    });
  });

  it("overrides .env, which overrides the file", () => {
    write(".env", "MINIMAX_BASE_URL=http://127.0.0.1:1/v1\nSLUICE_LOG_LEVEL=debug\nMINIMAX_API_KEY=sk-dotenv\n");
    write("sluice.yaml", "log: { level: error }\nproviders: { minimax: { baseUrl: https://file.example/v1 } }\n");
    const config = load({ MINIMAX_BASE_URL: "http://127.0.0.1:2/v1/" });
    expect(config.logLevel).toBe("debug");
    expect(config.accounts("minimax")[0]).toMatchObject({ baseUrl: "http://127.0.0.1:2/v1" });
    expect(config.accounts("minimax")[0]?.apiKey.reveal()).toBe("sk-dotenv");
  });

  it("reads proxy variables in upper and lower case", () => {
    const { transport } = load({ https_proxy: "http://u:proxy-pw@10.0.0.1:3128", NO_PROXY: "localhost" });
    expect(transport.proxy?.reveal()).toBe("http://u:proxy-pw@10.0.0.1:3128");
    expect(transport.noProxy).toBe("localhost");
  });

  it("names the variable of an invalid proxy as it was written", () => {
    expect(problems({ https_proxy: "ftp://10.0.0.1" })).toEqual([
      "https_proxy: expected the URL of a proxy, got other text",
    ]);
    expect(problems({ HTTPS_PROXY: "ftp://10.0.0.1" })).toEqual([
      "HTTPS_PROXY: expected the URL of a proxy, got other text",
    ]);
  });

  it("warns about a variable that is probably misspelled, and about no other", () => {
    const { warnings } = load({ SLUICE_NAMESPCE: "x", SLUICE_PORT: "tcp://10.0.0.1:80", PATH: "/bin" });
    expect(warnings).toEqual(["SLUICE_NAMESPCE is not a variable that Sluice reads; did you mean SLUICE_NAMESPACE?"]);
  });

  it("resolves the home folder relative to the working directory", () => {
    expect(load({ SLUICE_HOME: "var" }).home).toBe(join(cwd, "var"));
  });
});

describe("the settings file", () => {
  it("is the default file, the variable's, or the caller's, which takes precedence", () => {
    write("sluice.yaml", "run: { window: 1 }\n");
    write("b.yaml", "run: { window: 2 }\n");
    write("c.yaml", "run: { window: 3 }\n");
    expect(load().run.window).toBe(1);
    expect(load({ SLUICE_CONFIG: "b.yaml" }).run.window).toBe(2);
    expect(load({ SLUICE_CONFIG: "b.yaml" }, { file: "c.yaml" }).run.window).toBe(3);
    expect(load({}, { file: "c.yaml" }).file).toBe(join(cwd, "c.yaml"));
  });

  it("must exist if it is named", () => {
    expect(problems({}, { file: "gone.yaml" })).toEqual(["gone.yaml: cannot be read: no such file"]);
  });

  it("creates a lane for every account", () => {
    write(
      "sluice.yaml",
      `providers:
  minimax:
    groupId: shared-group
    accounts:
      - { name: a, apiKeyEnv: KEY_A, limits: { requestsPerMinute: 60 } }
      - { name: b, apiKeyEnv: KEY_B, groupId: own-group, baseUrl: https://b.example/v1 }
    models:
      embo-01: { limits: { requestsPerMinute: 600, concurrency: 8 } }
`,
    );
    const config = load({ KEY_A: "sk-aaaa", KEY_B: "sk-bbbb" });
    expect(config.accounts("minimax").map((one) => [one.name, revealAccount(one)])).toEqual([
      ["a", { baseUrl: "https://api.minimaxi.com/v1", apiKey: "sk-aaaa", extra: { groupId: "shared-group" } }],
      ["b", { baseUrl: "https://b.example/v1", apiKey: "sk-bbbb", extra: { groupId: "own-group" } }],
    ]);
    const lane = { provider: "minimax", model: "embo-01" };
    expect(config.limits({ ...lane, account: "a" })).toEqual({ requestsPerMinute: 60, concurrency: 8 });
    expect(config.limits({ ...lane, account: "b" })).toEqual({ requestsPerMinute: 600, concurrency: 8 });
    expect(config.limits({ ...lane, model: "other", account: "b" })).toBeUndefined();
  });

  it("keeps the usable accounts and names the variables that the others lack", () => {
    write(
      "sluice.yaml",
      "providers: { minimax: { accounts: [{name: a, apiKeyEnv: A1}, {name: b, apiKeyEnv: B1}] } }\n",
    );
    const config = load({ B1: "sk-b" });
    expect(config.accounts("minimax").map(({ name }) => name)).toEqual(["b"]);
    expect(config.missing("minimax")).toEqual(["A1"]);
  });

  it("reads durations as milliseconds and treats a setting without a value as not set", () => {
    write(
      "sluice.yaml",
      "worker:\n  grace: 1.5s\n  jobs:\n  hanging:\n    abort: false\n    least: 1m\nproviders:\n  minimax:\n",
    );
    expect(load().worker).toEqual({ graceMs: 1500, hanging: { abort: false, leastMs: 60_000 } });
  });

  it("overrides what is published about a model", () => {
    write(
      "sluice.yaml",
      `providers:
  zhipu:
    models:
      glm-5.2:
        maxOutputTokens: 5000
        price:
          inputPerMillionTokens: 8
          outputPerMillionTokens: 28
          currency: CNY
          tiers: [{ aboveInputTokens: 32000, inputPerMillionTokens: 10 }]
          windows: [{ days: [sat, sun], from: 22:00, to: 06:30, factor: 0.5 }]
      my-model: { kind: embedding, dimensions: 8, maxInputs: 3 }
`,
    );
    const { registry } = load();
    expect(registry.findModel("zhipu/glm-5.2")).toMatchObject({
      isUnknown: false,
      model: {
        kind: "chat",
        maxTokens: 1_000_000,
        maxOutputTokens: 5000,
        price: {
          inputPerMillionTokens: 8,
          outputPerMillionTokens: 28,
          currency: "CNY",
          tiers: [{ aboveInputTokens: 32_000, inputPerMillionTokens: 10 }],
          windows: [{ days: [6, 0], from: "22:00", to: "06:30", factor: 0.5 }],
        },
      },
    });
    expect(registry.findModel("zhipu/my-model")).toMatchObject({
      isUnknown: false,
      model: { kind: "embedding", dimensions: 8, maxInputs: 3 },
    });
  });

  it.each([
    ["windows: [{ from: 24:00, to: 06:30, factor: 1 }]", 'from: expected a time such as "16:30"'],
    ["windows: [{ days: [monday], from: 01:00, to: 06:30, factor: 1 }]", "days[0]: expected sun, mon, tue"],
    ["windows: [{ from: 01:00, to: 06:30 }]", "factor: expected a number of 0 or more"],
    ["tiers: [{ inputPerMillionTokens: 1 }]", "aboveInputTokens: expected a whole number of 0 or more"],
  ])("rejects a price with %s", (part, problem) => {
    write("sluice.yaml", `providers: { zhipu: { models: { m: { price: { currency: CNY, ${part} } } } } }\n`);
    expect(problems()).toEqual([expect.stringContaining(problem)]);
  });

  it("warns if other users can read a key in it, and if its name is misspelled", () => {
    write("sluice.yaml", "providers: { minimax: { apiKey: sk-in-file } }\n", 0o644);
    expect(load().warnings).toEqual([
      "sluice.yaml contains a secret and other users can read it; run: chmod 600 sluice.yaml",
    ]);
    chmodSync(join(cwd, "sluice.yaml"), 0o600);
    expect(load().warnings).toEqual([]);
    rmSync(join(cwd, "sluice.yaml"));
    write("sluice.yml", "run: { window: 1 }\n");
    expect(load().warnings).toEqual(["sluice.yml is not read; name it sluice.yaml"]);
  });

  it("warns about a .env with a secret that other users can read", () => {
    const warning = ".env contains a secret and other users can read it; run: chmod 600 .env";
    write(".env", "MINIMAX_API_KEY=sk-abc\n", 0o644);
    expect(load().warnings).toEqual([warning]);
    chmodSync(join(cwd, ".env"), 0o600);
    expect(load().warnings).toEqual([]);
    write(".env", "REDIS_URL=redis://user:password@127.0.0.1\n", 0o644);
    expect(load().warnings).toEqual([warning]);
    write(".env", "MINIMAX_API_KEY=\nREDIS_URL=redis://127.0.0.1\nSLUICE_LOG_LEVEL=info\n", 0o644);
    expect(load().warnings).toEqual([]);
  });

  it("warns about accounts of the settings file whose variable is not set", () => {
    write(
      "sluice.yaml",
      "providers: { minimax: { accounts: [{name: a, apiKeyEnv: A1}, {name: b, apiKeyEnv: B1}] } }\n",
    );
    expect(load({ A1: "sk-a" }).warnings).toEqual(["minimax: B1 is not set, so not all accounts are used"]);
    expect(load({}).warnings).toEqual([]);
  });

  it("warns about keys that are used twice, unused or sent unencrypted", () => {
    write(
      "sluice.yaml",
      "providers: { minimax: { baseUrl: http://up.example/v1, accounts: [{name: a, apiKeyEnv: A1}, {name: b, apiKeyEnv: B1}] } }\n",
    );
    expect(load({ A1: "sk-same", B1: "sk-same", MINIMAX_API_KEY: "sk-idle" }).warnings).toEqual([
      "minimax: http://up.example/v1 is not https, so the key is sent unencrypted",
      "minimax: accounts a and b use the same key, so they share the provider's limits",
      "minimax: http://up.example/v1 is not https, so the key is sent unencrypted",
      "MINIMAX_API_KEY is set but not used, because the settings file lists the accounts of minimax",
    ]);
  });
});

describe("problems", () => {
  it("are all reported together, each with its location", () => {
    write(
      "sluice.yaml",
      `redis: { url: "postgres://u:hunter2@db/0" }
provders: {}
providers:
  minimax:
    apikey: sk-misplaced-1
    accounts:
      - { name: a, apiKeyEnv: KEY_A }
      - name: a
        limits: { requestsPerMinute: fast, tokensPerMinute: -1, pacing: slow, requests_per_min: 3 }
      - { apiKeyEnv: sk-pasted-key, apiKey: sk-both }
    models:
      embo-01: { price: { inputPerMillionTokens: 1 } }
      "odd name": text
run: { workers: 1.5 }
worker: { grace: 30 }
log: [debug]
`,
    );
    write(".env", "MINIMAX_BASE_URL=ftp://x\n");
    expect(problems({ SLUICE_LOG_LEVEL: "loud", REDIS_URL: "redis://:pw-4711@h:99999/0" })).toEqual([
      "REDIS_URL: the Redis URL has a port that is not a number from 1 to 65535",
      'SLUICE_LOG_LEVEL: expected trace, debug, info, warn, error, fatal or silent, got "loud"',
      ".env: MINIMAX_BASE_URL: expected an http or https URL without user name, password, query or fragment, got other text",
      expect.stringMatching(/^sluice\.yaml: redis\.url: the Redis URL has an unknown scheme/),
      'sluice.yaml: providers.minimax.accounts[1].limits.requestsPerMinute: expected a positive integer, got "fast"',
      "sluice.yaml: providers.minimax.accounts[1].limits.tokensPerMinute: expected a positive integer, got -1",
      'sluice.yaml: providers.minimax.accounts[1].limits.pacing: expected burst or even, got "slow"',
      'sluice.yaml: providers.minimax.accounts[1].limits.requests_per_min: unknown key; did you mean "requestsPerMinute"?',
      expect.stringMatching(/^sluice\.yaml: providers\.minimax\.accounts\[2\]\.name: expected up to 32 letters/),
      expect.stringMatching(/^sluice\.yaml: providers\.minimax\.accounts\[2\]\.apiKeyEnv: expected the NAME of/),
      expect.stringMatching(/^sluice\.yaml: providers\.minimax\.models\.embo-01\.price\.currency: expected a currency/),
      'sluice.yaml: providers.minimax.models["odd name"]: expected a mapping, got other text',
      'sluice.yaml: providers.minimax.apikey: unknown key; did you mean "apiKey"?',
      expect.stringMatching(/^sluice\.yaml: run\.workers: expected 0 to \d+ worker processes, got 1\.5$/),
      'sluice.yaml: worker.grace: expected a duration such as "30s" or "5m", got 30',
      "sluice.yaml: log: expected a mapping, got a list",
      'sluice.yaml: provders: unknown key; did you mean "providers"?',
      'sluice.yaml: providers.minimax.accounts[1]: expected "apiKeyEnv", got none',
      "sluice.yaml: providers.minimax.accounts[1].name: another account has this name",
      'sluice.yaml: providers.minimax.accounts[2]: expected either "apiKeyEnv" or "apiKey", got both',
    ]);
  });

  it.each([
    ["a: b: c", /^sluice\.yaml:1:\d+: not valid YAML: /],
    ["x: 1\nx: 2", /^sluice\.yaml:2:1: not valid YAML: duplicate key$/],
    ["- 1", /^sluice\.yaml: expected a mapping, got a list$/],
    ["run: &a { window: *a }", /^sluice\.yaml: too deep or too large/],
    ["run: *nowhere", /^sluice\.yaml/],
    ["__proto__: { polluted: 1 }", /unknown key/],
  ])("names what is wrong with the file %j", (content, expected) => {
    write("sluice.yaml", content);
    expect(problems()).toEqual([expect.stringMatching(expected)]);
  });

  it("never contain what YAML's own message would quote", () => {
    write("sluice.yaml", "providers: { minimax: { apiKey: *sk-looks-like-an-alias } }\n");
    expect(problems().join()).not.toContain("sk-looks");
  });

  it("suggest the most similar provider", () => {
    expect(() => load().accounts("minmax")).toThrow('provider "minmax" is unknown; did you mean "minimax"?');
  });

  it("contain no control characters of the input", () => {
    write("sluice.yaml", '"\\e[31mred": 1\nlog: { level: "\\e]0;title\\a" }\n');
    expect(problems().join()).not.toMatch(/\p{Cc}/u);
  });
});

describe("secrets", () => {
  const env = {
    MINIMAX_API_KEY: "sk-the-key",
    REDIS_URL: "redis://user:p%40ssword@redis.example:6379/0",
    HTTPS_PROXY: "http://u:proxy-pw@10.0.0.1:3128",
  };

  it("are in no printed form of the configuration", () => {
    const config = load(env);
    const printed = `${JSON.stringify(config)} ${inspect(config, { depth: 9 })} ${inspect(config.accounts("minimax"))} ${config.redisUrl}`;
    for (const secret of config.redactions()) expect(printed).not.toContain(secret);
    expect(printed).toContain("[redacted]");
  });

  it("are all listed for redaction, as written and decoded", () => {
    const redactions = load(env).redactions();
    expect(redactions).toEqual(
      expect.arrayContaining(["sk-the-key", "p%40ssword", "p@ssword", "proxy-pw", env.REDIS_URL]),
    );
  });

  it("do not include URLs without a password", () => {
    expect(load({ REDIS_URL: "redis://127.0.0.1:6379" }).redactions()).toEqual([]);
  });
});
