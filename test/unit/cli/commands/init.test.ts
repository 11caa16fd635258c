import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { parseEnv } from "node:util";
import { beforeEach, expect, test, vi } from "vitest";
import type { Terminal } from "#src/cli/commands/init/ask-setup.ts";
import { runInit } from "#src/cli/commands/init/init.ts";
import { addVariables, formatSettings, writeSetup } from "#src/cli/commands/init/setup-files.ts";
import { loadConfig } from "#src/config/config.ts";
import { PROVIDER_SETTINGS } from "#src/config/provider-settings.ts";
import { ConfigError } from "#src/core/failures/errors.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-init-test-"));
  return () => rmSync(dir, { recursive: true, force: true });
});

test("what is written is private, and the loader reads the keys and limits from it", () => {
  const settings = formatSettings([
    { provider: "minimax", keyEnv: "MY_KEY", requestsPerMinute: 120, concurrency: 4 },
    { provider: "zhipu" },
  ]);
  writeFileSync(join(dir, ".env"), "OTHER=1");
  chmodSync(join(dir, ".env"), 0o644);
  const env = addVariables(readFileSync(join(dir, ".env"), "utf8"), { MY_KEY: "sk-a'b#c", ZHIPU_API_KEY: "z.secret" });
  writeSetup(dir, { "sluice.yaml": settings, ".env": env });
  expect(readdirSync(dir).sort()).toEqual([".env", "sluice.yaml"]);
  expect(statSync(join(dir, ".env")).mode & 0o777).toBe(0o600);
  expect(parseEnv(env)).toEqual({ OTHER: "1", MY_KEY: "sk-a'b#c", ZHIPU_API_KEY: "z.secret" });
  const config = loadConfig({ cwd: dir, env: {} });
  expect(config.accounts("minimax").map(({ name, apiKey }) => [name, apiKey.reveal()])).toEqual([
    ["default", "sk-a'b#c"],
  ]);
  expect(config.missing("zhipu")).toEqual([]);
  expect(config.limits({ provider: "minimax", account: "default", model: "embo-01" })).toMatchObject({
    concurrency: 4,
  });
});

test("what the loader rejects is not written", () => {
  const settings = formatSettings([{ provider: "minimax", keyEnv: "not a name" }]);
  expect(() => writeSetup(dir, { "sluice.yaml": settings })).toThrow(ConfigError);
  expect(readdirSync(dir)).toEqual([]);
});

const OPTIONS = {
  provider: ["minimax"],
  keyEnv: "MINIMAX_API_KEY",
  requestsPerMinute: 120,
  concurrency: undefined,
  yes: true,
  force: false,
  config: undefined,
  commandLine: { args: [], cwd: "", inputOptions: {} },
};

test("with --yes, init asks nothing and replaces no file without --force", async () => {
  vi.spyOn(process, "cwd").mockReturnValue(dir);
  const stdout = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    expect(await runInit(OPTIONS)).toBe(0);
    expect(stdout.mock.calls.join("")).toContain("sluice doctor");
    expect(readdirSync(dir)).toEqual(["sluice.yaml"]);
    const before = readFileSync(join(dir, "sluice.yaml"), "utf8");
    expect(before).toContain("requestsPerMinute: 120");
    await expect(runInit({ ...OPTIONS, requestsPerMinute: 5 })).rejects.toThrow("exists");
    expect(readFileSync(join(dir, "sluice.yaml"), "utf8")).toBe(before);
    expect(await runInit({ ...OPTIONS, requestsPerMinute: 5, force: true })).toBe(0);
    await expect(runInit({ ...OPTIONS, force: true, provider: ["minmax"] })).rejects.toThrow("minimax");
  } finally {
    vi.restoreAllMocks();
  }
});

/** A terminal whose user presses one key whenever a question waits for the next one. */
function pressKeys(keys: readonly (readonly [character: string, name: string])[]): Terminal {
  const input = Object.assign(new Readable({ read: () => undefined }), { isTTY: true, setRawMode: () => undefined });
  const left = [...keys];
  const press = () => {
    const [character, name] = left.shift() ?? ["\u0003", "c"];
    if (input.listenerCount("keypress") > 0) input.emit("keypress", character, { name, sequence: character });
    else left.unshift([character, name]);
    if (left.length > 0) setImmediate(press);
  };
  setImmediate(press);
  const output = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), { columns: 80, rows: 24 });
  return { input, output };
}

const ENTER = ["\r", "return"] as const;
const type = (text: string) => [...text].map((character) => [character, character] as const);
const ASKED = { ...OPTIONS, provider: undefined, keyEnv: undefined, requestsPerMinute: undefined, yes: false };

test("without options, the command asks for providers, keys, and limits", async () => {
  vi.spyOn(process, "cwd").mockReturnValue(dir);
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const [first = ""] = PROVIDER_SETTINGS.keys();
  const terminal = pressKeys([[" ", "space"], ENTER, ...type("sk-secret"), ENTER, ...type("120"), ENTER]);
  expect(await runInit(ASKED, terminal)).toBe(0);
  const config = loadConfig({ cwd: dir, env: {} });
  expect(config.accounts(first).map(({ apiKey }) => apiKey.reveal())).toEqual(["sk-secret"]);
  expect(readFileSync(join(dir, "sluice.yaml"), "utf8")).toContain("requestsPerMinute: 120");
  expect(statSync(join(dir, ".env")).mode & 0o777).toBe(0o600);
});

test("Ctrl-C at any question writes nothing", async () => {
  vi.spyOn(process, "cwd").mockReturnValue(dir);
  const keys = [[" ", "space"], ENTER, ...type("sk"), ENTER, ...type("1")] as const;
  for (const count of [0, 2, 4]) {
    expect(await runInit(ASKED, pressKeys([...keys.slice(0, count), ["\u0003", "c"]]))).toBe(130);
    expect(readdirSync(dir)).toEqual([]);
  }
});
