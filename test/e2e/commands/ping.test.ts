import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { SIMULATOR_API_KEY, type Simulator, startSimulator } from "#src/simulator/simulator.ts";

const SLUICE = join(import.meta.dirname, "../../../bin/sluice.js");

const closing: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** Runs a command in its own folder, with only the given environment variables. */
function sluice(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const cwd = mkdtempSync(join(tmpdir(), "sluice-ping-"));
  closing.push(() => rmSync(cwd, { recursive: true, force: true }));
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const options = { cwd, env: { PATH: process.env.PATH ?? "", ...env } };
    execFile(process.execPath, [SLUICE, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

async function simulate(): Promise<{ simulator: Simulator; env: Record<string, string> }> {
  const simulator = await startSimulator();
  closing.push(() => simulator.close());
  return { simulator, env: { MINIMAX_API_KEY: SIMULATOR_API_KEY, MINIMAX_BASE_URL: simulator.url } };
}

describe("sluice ping", () => {
  it("streams one chat answer and prints its duration and cost", async () => {
    const { env, simulator } = await simulate();
    const { code, stdout, stderr } = await sluice(["ping", "minimax/MiniMax-M2"], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /^minimax\/MiniMax-M2: ok\n {2}first token +\d.*\n {2}total +\d.*\n {2}usage +\d+ in, \d+ out, \d+ tokens\n {2}answer +\S/,
    );
    expect(simulator.statistics().calls).toBe(1);
  });

  it("embeds one text with an embedding model", async () => {
    const { env } = await simulate();
    const { code, stdout } = await sluice(["ping", "minimax/embo-01", "--json"], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      model: "minimax/embo-01",
      account: "default",
      ok: true,
      answer: "1,536 dimensions",
      usage: { totalTokens: expect.any(Number) },
    });
  });

  it("names the account and its variable", async () => {
    const { env } = await simulate();
    const settings =
      "providers: { minimax: { accounts: [{ name: a, apiKeyEnv: MINIMAX_API_KEY }, { name: b, apiKeyEnv: MINIMAX_API_KEY_B }] } }";
    const file = join(mkdtempSync(join(tmpdir(), "sluice-ping-")), "sluice.yaml");
    closing.push(() => rmSync(dirname(file), { recursive: true, force: true }));
    writeFileSync(file, settings);
    const both = { ...env, SLUICE_CONFIG: file, MINIMAX_API_KEY_B: "sk-this-is-wrong" };
    const { code, stderr } = await sluice(["ping", "minimax/embo-01", "--account", "b"], both);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^minimax\/embo-01 \(account b\): failed/);
    expect(stderr).toContain("check MINIMAX_API_KEY_B,");
    const first = await sluice(["ping", "minimax/embo-01"], both);
    expect(first.stdout).toMatch(/^minimax\/embo-01 \(account a\): ok/);
  });

  it("reports the problem and how to fix it, without the key", async () => {
    const { env, simulator } = await simulate();
    const wrong = { ...env, MINIMAX_API_KEY: "sk-this-is-wrong" };
    const { code, stdout, stderr } = await sluice(["ping", "minimax/abab6.5s-chat"], wrong);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/failed after .* \(auth, HTTP 200\)\n.*code 1004.*\n {2}Check the model's name, the key/);
    expect(stderr).not.toContain("sk-this-is-wrong");
    await simulator.close();
    const unreachable = await sluice(["ping", "minimax/MiniMax-M2", "--json"], env);
    expect(unreachable.code).toBe(2);
    expect(JSON.parse(unreachable.stdout)).toMatchObject({
      ok: false,
      error: { kind: "network", hint: expect.stringContaining("base URL") },
    });
  });

  it("reports missing variables, and unknown accounts before any call, and tries unknown models", async () => {
    const { env, simulator } = await simulate();
    const missing = await sluice(["ping", "minimax/MiniMax-M2"]);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining("MINIMAX_API_KEY is not set") });
    const unknown = await sluice(["ping", "minimax/MiniMax-M2O"], env);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(
      /^sluice: minimax\/MiniMax-M2O is not in the list of models: .* Similar names: minimax\/M/,
    );
    const account = await sluice(["ping", "minimax/MiniMax-M2", "--account", "b"], env);
    expect(account).toMatchObject({ code: 2, stderr: expect.stringContaining("known: default") });
    expect(simulator.statistics().calls).toBe(1);
  });
});

describe("sluice models and sluice providers", () => {
  it("show all models and providers, which of them are configured, and which settings are missing", async () => {
    const { stdout } = await sluice(["models", "minimax"], { MINIMAX_API_KEY: "sk-1234567890" });
    const line = stdout.split("\n").find((each) => each.startsWith("minimax/MiniMax-M2 ")) ?? "";
    expect(line.split(/ {2,}/)).toEqual([
      "minimax/MiniMax-M2",
      "chat",
      "196,608",
      "128,000",
      "-",
      "-",
      "20 req/min, 1M tok/min",
      "0.3 in, 1.2 out USD",
      "yes",
    ]);
    expect(stdout).not.toContain("sk-1234567890");
    const bare = JSON.parse((await sluice(["models", "minimax", "--json"])).stdout);
    expect(bare[0]).toMatchObject({
      model: "minimax/embo-01",
      dimensions: 1536,
      configured: false,
      missing: ["MINIMAX_API_KEY"],
    });
    const providers = JSON.parse((await sluice(["providers", "--json"])).stdout);
    expect(providers).toContainEqual(
      expect.objectContaining({ provider: "minimax", embeddingModels: 1, missing: ["MINIMAX_API_KEY"] }),
    );
    expect((await sluice(["models", "minimix"])).stderr).toContain("Did you mean minimax?");
  });
});
