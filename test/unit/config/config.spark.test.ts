import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { loadConfig, revealAccount } from "#src/config/config.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function load(env: Record<string, string>, yaml?: string) {
  const cwd = mkdtempSync(join(tmpdir(), "sluice-spark-"));
  folders.push(cwd);
  if (yaml !== undefined) writeFileSync(join(cwd, "sluice.yaml"), yaml, { mode: 0o600 });
  return loadConfig({ env, cwd });
}

const signing = {
  SPARK_APP_ID: "a1b2c3d4",
  SPARK_API_KEY: "key-of-spark",
  SPARK_API_SECRET: "secret-of-spark",
};

describe("a Spark account", () => {
  it("consists of app ID, key and secret", () => {
    const config = load(signing);
    const [account] = config.accounts("spark");
    expect(account && revealAccount(account)).toEqual({
      baseUrl: "wss://spark-api.xf-yun.com",
      apiKey: "key-of-spark",
      extra: { appId: "a1b2c3d4", apiSecret: "secret-of-spark" },
    });
    expect(config.missing("spark")).toEqual([]);
  });

  it("reports everything that is missing", () => {
    expect(load({}).missing("spark")).toEqual(["SPARK_API_KEY", "SPARK_APP_ID", "SPARK_API_SECRET"]);
    expect(load({ SPARK_API_KEY: "key-of-spark" }).missing("spark")).toEqual(["SPARK_APP_ID", "SPARK_API_SECRET"]);
  });

  it("is only the password for HTTP, even if the other variables are incomplete", () => {
    const settings: readonly Record<string, string>[] = [
      {},
      { SPARK_API_KEY: "key-of-spark" },
      { SPARK_APP_ID: "a1", SPARK_API_SECRET: "s1" },
    ];
    for (const more of settings) {
      const config = load({ SPARK_API_PASSWORD: "password-1", ...more });
      const [account] = config.accounts("spark");
      expect(account && revealAccount(account)).toMatchObject({ extra: { apiPassword: "password-1" } });
      expect(account && revealAccount(account).extra).not.toHaveProperty("apiSecret");
      expect(config.missing("spark")).toEqual([]);
    }
  });

  it("can be one of several in the file, with a password or a key", () => {
    const yaml = `
providers:
  spark:
    accounts:
      - { name: lite, apiPassword: password-1 }
      - { name: max, apiKey: key-1, appId: a1, apiSecret: secret-1, protocol: http }
`;
    const config = load({}, yaml);
    expect(config.accounts("spark").map(({ name }) => name)).toEqual(["lite", "max"]);
    expect(config.redactions()).toEqual(expect.arrayContaining(["password-1", "secret-1", "key-1"]));
  });

  it("uses WebSocket URLs for chat and HTTP URLs otherwise", () => {
    const env = {
      ...signing,
      SPARK_BASE_URL: "ws://127.0.0.1:9/prefix/",
      SPARK_HTTP_BASE_URL: "http://127.0.0.1:9/v1",
      SPARK_EMBEDDING_BASE_URL: "http://127.0.0.1:9/emb/",
      SPARK_PROTOCOL: "http",
    };
    const [account] = load(env).accounts("spark");
    expect(account && revealAccount(account)).toMatchObject({
      baseUrl: "ws://127.0.0.1:9/prefix",
      extra: {
        httpBaseUrl: "http://127.0.0.1:9/v1",
        embeddingBaseUrl: "http://127.0.0.1:9/emb",
        protocol: "http",
      },
    });
  });

  it.each([
    [{ SPARK_BASE_URL: "https://spark.example" }, /SPARK_BASE_URL.*ws or wss/],
    [{ SPARK_HTTP_BASE_URL: "wss://spark.example" }, /SPARK_HTTP_BASE_URL.*http or https/],
    [{ SPARK_PROTOCOL: "grpc" }, /SPARK_PROTOCOL.*websocket or http/],
  ])("refuses %j", (env, message) => {
    expect(() => load({ ...signing, ...env })).toThrow(message);
  });

  it("does not redact URLs and options from messages", () => {
    const redactions = load({ ...signing, SPARK_PROTOCOL: "http" }).redactions();
    expect(redactions).toContain("secret-of-spark");
    expect(redactions).not.toContain("http");
  });
});
