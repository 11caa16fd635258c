import { afterAll, beforeAll, expect, it } from "vitest";
import { TestApi } from "#test/support/api/test-api.ts";
import { waitFor } from "#test/support/wait-for.ts";

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.open({ latency: { fixedMs: 0 } });
});
afterAll(() => api[Symbol.asyncDispose]());

interface Job {
  readonly id: string;
  readonly status: string;
  readonly response: { readonly choices: { message: { content: string } }[]; readonly data: unknown[] } | null;
  readonly error: { readonly code: string } | null;
}

async function send(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const response = await fetch(`${api.baseUrl}${path}`, {
    method,
    headers: { ...(body ? { "content-type": "application/json" } : {}), ...headers },
    body: body && JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Job };
}

const ask = (content: string) => ({ model: "openai/gpt-4o-mini", messages: [{ role: "user", content }] });

async function awaitJob(id: string): Promise<Job> {
  return await waitFor(
    async () => {
      const { body } = await send("GET", `/jobs/${id}`);
      return ["queued", "running"].includes(body.status) ? undefined : body;
    },
    { what: "the end of the job" },
  );
}

interface SentEvent {
  readonly id: string;
  readonly event: string;
  readonly data: { readonly text?: string };
}

/** Reads events until the stream ends, or until there are `count`. */
async function readEvents(id: string, after?: string, count = Number.POSITIVE_INFINITY): Promise<SentEvent[]> {
  const gone = new AbortController();
  const response = await fetch(`${api.baseUrl}/jobs/${id}/stream`, {
    headers: after === undefined ? {} : { "last-event-id": after },
    signal: gone.signal,
  });
  const events: SentEvent[] = [];
  let text = "";
  try {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const parts = text.split("\n\n");
      text = parts.pop() ?? "";
      for (const part of parts) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(part)?.[1] ?? "";
        // A comment has no event.
        if (field("event")) events.push({ id: field("id"), event: field("event"), data: JSON.parse(field("data")) });
        if (events.length === count) return events;
      }
    }
    return events;
  } finally {
    gone.abort();
  }
}

const textOf = (events: readonly SentEvent[]) =>
  events.flatMap(({ event, data }) => (event === "delta" ? [data.text ?? ""] : [])).join("");

it("a chat job is accepted at once and has its answer later", async () => {
  const release = api.simulator.hold();
  const { status, body } = await send("POST", "/jobs/chat", ask("later"));
  expect([status, body.status]).toEqual([202, "queued"]);
  release();
  const job = await awaitJob(body.id);
  expect(job).toMatchObject({ status: "completed", error: null });
  expect(job.response?.choices[0]?.message.content).toContain("later");
});

it("an embedding job has its vectors later", async () => {
  const { body } = await send("POST", "/jobs/embeddings", { model: "minimax/embo-01", input: ["a", "b"] });
  const job = await awaitJob(body.id);
  expect(job.response?.data).toHaveLength(2);
});

it("a stream resumes after any event, without gaps or repeats", async () => {
  api.simulator.configure({ deltaMs: 1 });
  const release = api.simulator.holdStreams(2);
  const { body } = await send("POST", "/jobs/chat", ask("one two three four five"));
  const first = await readEvents(body.id, undefined, 1);
  release();
  const rest = await readEvents(body.id, first[0]?.id);
  const all = await readEvents(body.id);
  expect([...first, ...rest]).toEqual(all);
  expect(all.at(-1)).toMatchObject({ event: "end", data: { length: textOf(all).length } });
  const job = await awaitJob(body.id);
  expect(textOf(all)).toBe(job.response?.choices[0]?.message.content);
  for (const [index, { id }] of all.slice(0, -1).entries())
    expect(await readEvents(body.id, id)).toEqual(all.slice(index + 1));
});

it("a job that fails says why", async () => {
  api.simulator.configure({ faults: [{ action: { type: "status", status: 400 }, text: "refuse me" }] });
  const { body } = await send("POST", "/jobs/chat", ask("refuse me"));
  expect(await awaitJob(body.id)).toMatchObject({
    status: "failed",
    response: null,
    error: { code: expect.any(String) },
  });
  api.simulator.configure({ faults: [] });
});

it("a job can be cancelled", async () => {
  const release = api.simulator.hold();
  const { body } = await send("POST", "/jobs/chat", ask("never mind"));
  expect((await send("DELETE", `/jobs/${body.id}`)).body.status).toBe("cancelled");
  release();
  expect((await readEvents(body.id)).at(-1)?.event).toBe("error");
});

it("concurrent duplicates with one idempotency key are one job", async () => {
  const headers = { "idempotency-key": "job-1" };
  const sent = await Promise.all([1, 2, 3, 4].map(() => send("POST", "/jobs/chat", ask("once"), headers)));
  expect(new Set(sent.map(({ body }) => body.id)).size).toBe(1);
  const other = await send("POST", "/jobs/chat", ask("other"), headers);
  expect(other).toMatchObject({ status: 409, body: { error: { code: "idempotency_key_reused" } } });
});

it("unknown ids and events are refused", async () => {
  expect(await send("GET", "/jobs/c-0")).toMatchObject({ status: 404, body: { error: { code: "not_found" } } });
  const { body } = await send("POST", "/jobs/chat", ask("x"));
  const wrong = await send("GET", `/jobs/${body.id}/stream`, undefined, { "last-event-id": "yesterday" });
  expect(wrong.status).toBe(400);
});
