import { existsSync, readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";

let sandbox: CliSandbox;
const closing: (() => unknown)[] = [];

beforeEach(async () => {
  sandbox = await CliSandbox.open();
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
  await sandbox[Symbol.asyncDispose]();
});

const model = (input: number) => ({
  modalities: { input: ["text"], output: ["text"] },
  limit: { context: 5000, output: 500 },
  cost: { input, output: 2 * input },
});
const api = (input: number) => JSON.stringify({ "minimax-cn": { models: { "MiniMax-X": model(input) } } });

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  closing.push(() => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    return closed;
  });
  await new Promise((resolve) => server.once("listening", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function listModels(...args: string[]) {
  const { code, stdout, stderr } = await sandbox.run(["models", "minimax", "--json", ...args]);
  const models = JSON.parse(stdout) as { model: string; price?: object; maxTokens?: number }[];
  return { code, stderr, found: models.find((each) => each.model === "minimax/MiniMax-X") };
}

describe("sluice models --refresh", () => {
  test("takes models from a file, and later commands use them", async () => {
    const { code, stderr, found } = await listModels("--refresh", sandbox.write("api.json", api(3)));
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("the catalogue has 1 model now") });
    const expected = { maxTokens: 5000, price: { inputPerMillionTokens: 3, outputPerMillionTokens: 6 } };
    expect(found).toMatchObject(expected);
    expect((await listModels()).found).toMatchObject(expected);
    const stored = JSON.parse(readFileSync(sandbox.path("cache", "sluice", "models.json"), "utf8"));
    expect(stored).toMatchObject({ license: expect.stringContaining("MIT License"), source: sandbox.path("api.json") });
    const doctor = await sandbox.run(["doctor"]);
    expect(doctor.stdout).toContain(`catalogue of ${stored.date}, from ${stored.source}`);
  });

  test("takes models from a URL; a bad download keeps them and says why", async () => {
    const url = await serve((request, response) => {
      if (request.url === "/api.json") response.end(api(4));
      else if (request.url === "/empty.json") response.end("{}");
      else if (request.url === "/page.html") response.end("<html>");
      else if (request.url === "/wrong.json") response.end(api(-1));
      else if (request.url === "/large.json") {
        const chunk = Buffer.alloc(1024 * 1024, " ");
        const write = () => {
          while (response.writable && response.write(chunk));
        };
        response.on("drain", write);
        write();
      } else response.writeHead(404).end();
    });
    expect((await listModels("--refresh", `${url}/api.json`)).found?.price).toMatchObject({ inputPerMillionTokens: 4 });
    for (const [path, reason] of [
      ["empty.json", "it contains no model of"],
      ["page.html", "it is not JSON"],
      ["wrong.json", "minimax-cn.models.MiniMax-X.cost.input: expected a number of at least 0"],
      ["large.json", "it has more than 32 MiB"],
      ["none.json", "the answer has status 404"],
    ] as const) {
      const { code, stderr, found } = await listModels("--refresh", `${url}/${path}`);
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(`${url}/${path}: ${reason}`) });
      expect(stderr).toContain("stays in use");
      expect(found?.price).toMatchObject({ inputPerMillionTokens: 4 });
    }
    await Promise.all(closing.splice(0).map((close) => close()));
    const unreachable = await listModels("--refresh", `${url}/api.json`);
    expect(unreachable).toMatchObject({ code: 0, stderr: expect.stringContaining("ECONNREFUSED") });
    expect((await listModels("--refresh", "missing.json")).stderr).toContain("ENOENT");
  });

  test("doctor reports a stored catalogue that cannot be read, and the one of the package is used", async () => {
    sandbox.write("cache/sluice/models.json", "{");
    const { stdout } = await sandbox.run(["doctor"]);
    expect(stdout).toMatch(/WARNING +models +catalogue of \d{4}-\d\d-\d\d, .*cannot be used \(it is not JSON\)/);
    expect((await sandbox.run(["models", "minimax"])).stdout).toContain("MiniMax-M2");
  });
});

describe("models that need attention", () => {
  const request = (name: string) =>
    JSON.stringify({
      custom_id: "a",
      method: "POST",
      url: "/v1/chat/completions",
      body: { model: name, messages: [{ role: "user", content: "hello there" }] },
    });

  test("a retired model is reported with its date and successors", async () => {
    sandbox.write("r.jsonl", request("deepseek/deepseek-chat"));
    const { stderr } = await sandbox.run(["batch", "r.jsonl", "--out", "o", "--dry-run"]);
    expect(stderr).toContain("deepseek/deepseek-chat was retired on 2026-07-24; use deepseek-flash or deepseek-v4-pro");
    const { stdout } = await sandbox.run(["models", "deepseek"]);
    expect(stdout).toMatch(/deepseek\/deepseek-chat .*was retired on 2026-07-24/);
    const doctor = await sandbox.run(["doctor", "--all"], { env: { MOONSHOT_API_KEY: "sk-1234567890" } });
    expect(doctor.stdout).toMatch(/moonshot +kimi-k2\.5 was retired on 2026-08-31; use kimi-k3/);
  });

  test("a run says in one line that nothing is known about its model, and sends it as it is", async () => {
    sandbox.write("r.jsonl", request("minimax/MiniMax-M2O"));
    const cli = sandbox.start(["batch", "r.jsonl", "--out", "o", "--workers", "1", "--json"]);
    await cli.exit;
    const notes = cli.events().flatMap(({ event, message }) => (event === "note" ? [String(message)] : []));
    expect(notes).toContainEqual(
      expect.stringMatching(/^minimax\/MiniMax-M2O is not in the list of models.*MiniMax-M2/),
    );
    expect(sandbox.simulator.statistics().calls).toBeGreaterThan(0);
  });

  test("--max-cost works with the price of the catalogue", async () => {
    sandbox.write("r.jsonl", request("minimax/MiniMax-M2"));
    const args = ["batch", "r.jsonl", "--out", "o", "--workers", "1", "--json"];
    const capped = sandbox.start([...args, "--max-cost", "0.0000001"]);
    expect(await capped.exit).toMatchObject({ code: 2 });
    expect(capped.events().at(-1)).toMatchObject({ message: expect.stringContaining("USD") });
    expect(await sandbox.run([...args, "--max-cost", "1"])).toMatchObject({ code: 0 });
    expect(sandbox.manifest("o").cost).toMatchObject({ currency: "USD" });
  });
});

describe("--off-peak", () => {
  const clock = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
  const writePrice = (factor: number) => {
    const windows = [{ from: clock(-2), to: clock(2), factor }];
    const price = { inputPerMillionTokens: 10, currency: "CNY", windows };
    sandbox.write("sluice.yaml", JSON.stringify({ providers: { minimax: { models: { "embo-01": { price } } } } }));
  };

  test("waits at the peak and says until when; after Ctrl-C, the run resumes when the price is low", async () => {
    writePrice(2);
    sandbox.write("texts/a.md", "one two three");
    const args = ["texts", "--out", "o", "--off-peak"];
    const waiting = sandbox.embed([...args, "--json"]);
    const { message } = await waiting.event(({ event }) => event === "note", "the note");
    expect(message).toMatch(/^no calls until \d{4}-\d\d-\d\d \d\d:\d\d UTC, when the price falls/);
    await waiting.event(({ event, phase }) => event === "progress" && phase === "snoozing", "the waiting phase");
    waiting.killGroup("SIGINT");
    expect((await waiting.exit).code).toBe(130);
    expect(sandbox.simulator.statistics().calls).toBe(0);
    writePrice(0.5);
    const { code, stderr } = await sandbox.embed(args).exit;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("the price is low until") });
    const { cost, tokens } = sandbox.manifest("o");
    expect(cost?.amount).toBeCloseTo((tokens * 5) / 1e6);
    const preview = await sandbox.embed([...args, "--dry-run", "--json"]).exit;
    const { cost: expected, estimatedTokens } = JSON.parse(preview.stdout);
    expect(expected.expected).toBeCloseTo((estimatedTokens * 5) / 1e6);
  });

  test("is refused if the price does not depend on the time", async () => {
    sandbox.write("texts/a.md", "one two three");
    const { code, stderr } = await sandbox.embed(["texts", "--out", "o", "--off-peak"]).exit;
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("--off-peak needs a price that depends"),
    });
    expect(existsSync(sandbox.path("o", "records.parquet"))).toBe(false);
  });
});
