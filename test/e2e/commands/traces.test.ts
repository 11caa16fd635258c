import { afterEach, beforeEach, expect, test } from "vitest";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText } from "#test/support/runs/corpus.ts";
import { type ReceivedSpan, startTraceReceiver, type TraceReceiver } from "#test/support/servers/trace-receiver.ts";
import { waitFor } from "#test/support/wait-for.ts";

const ITEMS = 120;
let sandbox: CliSandbox;
let receiver: TraceReceiver;

beforeEach(async () => {
  sandbox = await CliSandbox.open();
  receiver = await startTraceReceiver();
  const lines = Array.from({ length: ITEMS }, (_, n) =>
    JSON.stringify({ id: `c-${n}`, text: n === 50 ? `${buildCorpusText(n)} broken` : buildCorpusText(n) }),
  );
  sandbox.write("corpus.jsonl", `${lines.join("\n")}\n`);
});

afterEach(async () => {
  await sandbox[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const named = (name: string) => receiver.spans().filter((span) => span.name === name);
const parentOf = (span: ReceivedSpan) =>
  receiver.spans().find(({ spanId, traceId }) => spanId === span.parentSpanId && traceId === span.traceId);

test("jobs of a run are traced from submission to commit, across processes and without contents", async () => {
  sandbox.simulator.configure({ faults: [{ text: "broken", action: { type: "code", code: 2013 } }] });
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20token-for-spans",
    OTEL_SERVICE_NAME: "night-run",
  };
  const { code } = await sandbox.embed(["corpus.jsonl", "--out", "out"], { env }).exit;
  expect(code).toBe(1);
  const { run, calls } = sandbox.manifest("out");
  await waitFor(() => named("call").length >= calls.made, { what: "a span for every call" });

  const submits = named("submit");
  expect(submits.length).toBeGreaterThan(0);
  expect(submits.every(({ parentSpanId }) => parentSpanId === undefined)).toBe(true);
  expect(submits.reduce((sum, { attributes }) => sum + Number(attributes["sluice.items"]), 0)).toBe(ITEMS);
  for (const name of ["queue", "reserve", "call"]) {
    expect(named(name).length).toBeGreaterThan(0);
    for (const span of named(name)) {
      const parent = parentOf(span);
      expect(parent?.name, `${name} belongs to a job`).toBe("submit");
      expect(parent?.resource["process.pid"]).not.toBe(span.resource["process.pid"]);
      expect(span.endMs).toBeGreaterThanOrEqual(span.startMs);
    }
  }
  for (const span of named("commit")) {
    expect(parentOf(span)?.name).toBe("call");
    expect(parentOf(span)?.resource["process.pid"]).toBe(span.resource["process.pid"]);
  }
  const answered = named("call").filter(({ isError }) => !isError);
  expect(
    named("call")
      .filter(({ isError }) => isError)
      .map(({ attributes }) => attributes["error.type"]),
  ).toContain("invalid-request");
  expect(named("commit")).toHaveLength(answered.length);
  expect(answered.reduce((sum, { attributes }) => sum + Number(attributes["sluice.inputs"]), 0)).toBe(ITEMS - 1);
  for (const { attributes } of named("call")) {
    expect(attributes).toMatchObject({ "sluice.run": run, "sluice.lane": "minimax/embo-01" });
  }
  expect(receiver.spans().every(({ resource }) => resource["service.name"] === "night-run")).toBe(true);
  expect(receiver.headers.every(({ authorization }) => authorization === "Bearer token-for-spans")).toBe(true);
  for (let n = 0; n < ITEMS; n++) expect(receiver.bodies()).not.toContain(buildCorpusText(n));
  expect(receiver.bodies()).not.toContain("broken");
});

test("a chat item is traced through its worker", async () => {
  const chat = await sandbox.run(["chat", "tell me of sluices", "--model", "minimax/MiniMax-M2"], {
    env: { SLUICE_TRACES: "1", OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
  });
  expect(chat).toMatchObject({ code: 0 });
  await waitFor(() => named("commit").length === 1, { what: "the commit's span" });
  const [commit] = named("commit");
  const call = commit && parentOf(commit);
  const submit = call && parentOf(call);
  expect([call?.name, submit?.name]).toEqual(["call", "submit"]);
  expect(submit?.attributes).toMatchObject({ "sluice.kind": "chat", "sluice.items": 1 });
  expect(submit?.resource["process.pid"]).not.toBe(call?.resource["process.pid"]);
  expect(Number(call?.attributes["sluice.tokens.output"])).toBeGreaterThan(0);
  expect(receiver.bodies()).not.toContain("sluices");
});

test("an unreachable collector delays nothing", async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_SERVICE_NAME: "x" };
  const { code } = await sandbox.embed(["corpus.jsonl", "--out", "out"], { env }).exit;
  expect(code).toBe(0);
  expect(sandbox.manifest("out").items).toMatchObject({ succeeded: ITEMS, missing: 0 });
});

test("by default, no job contains a trace and nothing is sent", async () => {
  const { code } = await sandbox.embed(["corpus.jsonl", "--out", "out"], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, SLUICE_TRACES: "0" },
  }).exit;
  expect(code).toBe(0);
  expect(receiver.bodies()).toBe("");
});
