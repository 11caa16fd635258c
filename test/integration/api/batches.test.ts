import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import OpenAI, { toFile } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createObjectId, DataFolder } from "#src/api/storage/data-folder.ts";
import { TestApi } from "#test/support/api/test-api.ts";
import { waitFor } from "#test/support/wait-for.ts";

let api: TestApi;
let client: OpenAI;
beforeAll(async () => {
  // Few calls at once, so that a batch that is held has requests that were not called.
  const models = { "gpt-4o-mini": { limits: { concurrency: 8 } } };
  api = await TestApi.open({ latency: { fixedMs: 0 }, settings: { providers: { openai: { models } } } });
  client = new OpenAI({ baseURL: api.baseUrl, apiKey: "any", maxRetries: 0 });
});
afterAll(() => api[Symbol.asyncDispose]());

const CHAT = "/v1/chat/completions";

function chatLine(id: string, content: string, body: object = {}): string {
  const request = { model: "openai/gpt-4o-mini", messages: [{ role: "user", content }], ...body };
  return JSON.stringify({ custom_id: id, method: "POST", url: CHAT, body: request });
}

async function upload(lines: readonly string[]): Promise<OpenAI.FileObject> {
  return await client.files.create({ purpose: "batch", file: await toFile(Buffer.from(lines.join("\n")), "in.jsonl") });
}

async function create(lines: readonly string[], endpoint: OpenAI.BatchCreateParams["endpoint"] = CHAT) {
  const { id } = await upload(lines);
  return await client.batches.create({ input_file_id: id, endpoint, completion_window: "24h" });
}

async function end(id: string): Promise<OpenAI.Batch> {
  let batch = await client.batches.retrieve(id);
  await waitFor(
    async () => {
      batch = await client.batches.retrieve(id);
      return ["completed", "failed", "cancelled", "expired"].includes(batch.status);
    },
    { what: "the end of the batch" },
  );
  return batch;
}

async function readLines(id: string | null | undefined): Promise<{ custom_id: string; [field: string]: unknown }[]> {
  const text = await (await client.files.content(id ?? "")).text();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("a batch", () => {
  it("of chat requests ends with one line each, in the order of its input", async () => {
    const ids = Array.from({ length: 25 }, (_, i) => `r-${i}`);
    const created = await create(ids.map((id) => chatLine(id, `question ${id}`)));
    expect(created).toMatchObject({ object: "batch", status: "validating", endpoint: CHAT, errors: null });
    const batch = await end(created.id);
    expect(batch).toMatchObject({
      status: "completed",
      request_counts: { total: 25, completed: 25, failed: 0 },
      model: "openai/gpt-4o-mini",
    });
    expect(batch.error_file_id).toBeNull();
    expect(batch.usage?.total_tokens).toBeGreaterThan(0);
    const lines = await readLines(batch.output_file_id);
    expect(lines.map(({ custom_id }) => custom_id)).toEqual(ids);
    expect(lines[3]).toMatchObject({
      response: { status_code: 200, body: { object: "chat.completion" } },
      error: null,
    });
    const file = await client.files.retrieve(batch.output_file_id ?? "");
    expect(file).toMatchObject({ purpose: "batch_output", status: "processed" });
  });

  it("of embeddings has vectors", async () => {
    const lines = ["a", "b"].map((id) =>
      JSON.stringify({
        custom_id: id,
        method: "POST",
        url: "/v1/embeddings",
        body: { model: "minimax/embo-01", input: [`text ${id}`, "another"] },
      }),
    );
    const batch = await end((await create(lines, "/v1/embeddings")).id);
    expect(batch).toMatchObject({ status: "completed", request_counts: { total: 2, completed: 2, failed: 0 } });
    const [first] = await readLines(batch.output_file_id);
    expect(first).toMatchObject({ response: { body: { data: [{ index: 0 }, { index: 1 }] } } });
  });

  it("whose requests all fail is completed, with an error file only", async () => {
    api.simulator.configure({ faults: [{ action: { type: "status", status: 400 }, text: "refuse me" }] });
    const batch = await end((await create([chatLine("x", "refuse me"), chatLine("y", "refuse me too")])).id);
    api.simulator.configure({ faults: [] });
    expect(batch).toMatchObject({ status: "completed", request_counts: { total: 2, completed: 0, failed: 2 } });
    expect(batch.output_file_id).toBeNull();
    expect((await readLines(batch.error_file_id)).map(({ custom_id }) => custom_id)).toEqual(["x", "y"]);
  });

  it("with invalid lines fails, and names each line", async () => {
    const batch = await end(
      (await create([chatLine("same", "a"), chatLine("same", "b"), "{not json", chatLine("c", "c", { n: 0 })])).id,
    );
    expect(batch).toMatchObject({ status: "failed", output_file_id: null });
    expect(batch.errors?.data?.map(({ line }) => line)).toEqual([2, 3, 4]);
    expect(batch.failed_at).toBeGreaterThan(0);
  });

  it("for another endpoint than its requests fails", async () => {
    const batch = await end((await create([chatLine("a", "a")], "/v1/embeddings")).id);
    expect(batch.status).toBe("failed");
    expect(batch.errors?.data?.[0]).toMatchObject({ code: "mismatched_endpoint", param: "url", line: 1 });
  });

  it("with more requests than allowed fails", async () => {
    const line = chatLine("x", "x");
    const batch = await end((await create(Array.from({ length: 50_001 }, () => line))).id);
    expect(batch.errors?.data?.[0]).toMatchObject({ code: "too_many_requests" });
  });

  it("goes on when its input file is deleted, and keeps what was answered when it is cancelled", async () => {
    const release = api.simulator.hold(5);
    const before = api.simulator.statistics().calls;
    const created = await create(Array.from({ length: 400 }, (_, i) => chatLine(`r-${i}`, `held ${i}`)));
    await waitFor(() => api.simulator.statistics().calls > before + 5, { what: "calls" });
    await client.files.delete(created.input_file_id);
    await expect(client.files.retrieve(created.input_file_id)).rejects.toMatchObject({ status: 404 });
    const cancelling = await client.batches.cancel(created.id);
    expect(cancelling).toMatchObject({ status: "cancelling", cancelling_at: expect.any(Number) });
    release();
    const batch = await end(created.id);
    expect(batch).toMatchObject({ status: "cancelled", cancelled_at: expect.any(Number) });
    // Workers may notice it after the last call.
    const answered = batch.output_file_id ? await readLines(batch.output_file_id) : [];
    const errors = batch.error_file_id ? await readLines(batch.error_file_id) : [];
    expect(answered.length + errors.length).toBe(400);
    expect(new Set([...answered, ...errors].map(({ custom_id }) => custom_id)).size).toBe(400);
    await expect(client.batches.cancel(created.id)).rejects.toMatchObject({ status: 400, code: "batch_ended" });
  });

  it("can be read while it runs, and continued where the reader stopped", async () => {
    const ids = Array.from({ length: 40 }, (_, i) => `r-${i}`);
    const before = api.simulator.statistics().calls;
    const release = api.simulator.hold(16);
    api.simulator.configure({ faults: [{ action: { type: "status", status: 400 }, text: "result r-3" }] });
    const { id } = await create(ids.map((each) => chatLine(each, `result ${each}.`)));
    const read = async (after: number) => {
      const text = await (await fetch(`${api.baseUrl}/batches/${id}/results?after=${after}`)).text();
      return text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { custom_id?: string; object?: string; after: number });
    };
    await waitFor(() => api.simulator.statistics().calls >= before + 16, { what: "calls" });
    const first = await waitFor(
      async () => {
        const lines = await read(0);
        return lines.length > 5 ? lines : undefined;
      },
      { what: "the first lines" },
    );
    const marker = first.at(-1);
    expect(marker).toMatchObject({ object: "batch.results.incomplete", after: first.length - 1 });
    release();
    await end(id);
    api.simulator.configure({ faults: [] });
    const rest = await read(marker?.after ?? 0);
    expect([...first.slice(0, -1), ...rest].map(({ custom_id }) => custom_id)).toEqual(ids);
  });

  it("is listed, page by page", async () => {
    const ids: string[] = [];
    for await (const { id } of client.batches.list({ limit: 2 })) ids.push(id);
    expect(ids.length).toBeGreaterThan(5);
    expect([...ids].sort().reverse()).toEqual(ids);
  });

  it("that is just being stored is not forgotten by a server that looks for batches", async () => {
    const data = new DataFolder(join(api.dir, ".sluice/api"));
    const id = createObjectId("batch_", Date.now());
    const mark = join(data.activeBatches, id);
    // What a server that creates a batch has written before the batch itself.
    writeFileSync(mark, JSON.stringify({ tenant: "default" }));
    await end((await create([chatLine("a", "a")])).id);
    await end((await create([chatLine("b", "b")])).id);
    expect(existsSync(mark)).toBe(true);
    rmSync(mark);
  });

  it("is created once by concurrent requests with the same idempotency key", async () => {
    const { id } = await upload([chatLine("a", "a")]);
    const request = { input_file_id: id, endpoint: CHAT, completion_window: "24h" } as const;
    const headers = { "idempotency-key": "batch-1" };
    const created = await Promise.all([1, 2, 3, 4].map(() => client.batches.create(request, { headers })));
    expect(new Set(created.map((batch) => batch.id)).size).toBe(1);
    const other = client.batches.create({ ...request, completion_window: "1h" as "24h" }, { headers });
    await expect(other).rejects.toMatchObject({ status: 409, code: "idempotency_key_reused" });
    const batch = await end(created[0]?.id ?? "");
    expect((await client.batches.create(request, { headers })).status).toBe(batch.status);
  });

  it("is refused for a file that does not exist, and for invalid parameters", async () => {
    const request = { input_file_id: "file-0", endpoint: CHAT, completion_window: "24h" } as const;
    await expect(client.batches.create(request)).rejects.toMatchObject({ status: 404 });
    const { id } = await upload([chatLine("a", "a")]);
    const valid = { ...request, input_file_id: id };
    const metadata = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, "v"]));
    await expect(client.batches.create({ ...valid, metadata })).rejects.toMatchObject({ status: 400 });
    const endless = { ...valid, completion_window: "48h" as "24h" };
    await expect(client.batches.create(endless)).rejects.toMatchObject({ param: "completion_window" });
  });
});

describe("a file", () => {
  it("is described, listed, read in parts, and deleted", async () => {
    const content = Buffer.from("0123456789".repeat(1_000));
    const file = await client.files.create({ purpose: "user_data", file: await toFile(content, "ziffern 数字.txt") });
    expect(file).toMatchObject({ object: "file", bytes: 10_000, filename: "ziffern 数字.txt", status: "processed" });
    expect(await client.files.waitForProcessing(file.id)).toMatchObject({ id: file.id });
    const range = await fetch(`${api.baseUrl}/files/${file.id}/content`, { headers: { range: "bytes=9995-" } });
    expect([range.status, await range.text()]).toEqual([206, "56789"]);
    const ids: string[] = [];
    for await (const { id } of client.files.list({ purpose: "user_data" })) ids.push(id);
    expect(ids).toEqual([file.id]);
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: "file", deleted: true });
    await expect(client.files.content(file.id)).rejects.toMatchObject({ status: 404 });
  });

  it("needs a purpose and contents", async () => {
    const form = new FormData();
    form.set("purpose", "batch");
    const response = await fetch(`${api.baseUrl}/files`, { method: "POST", body: form });
    expect([response.status, await response.json()]).toMatchObject([400, { error: { param: "file" } }]);
    const file = await toFile(Buffer.from("x"), "x.txt");
    const wrong = { purpose: "nothing" as "batch", file };
    await expect(client.files.create(wrong)).rejects.toMatchObject({ status: 400, param: "purpose" });
  });
});

describe("an upload in parts", () => {
  it("becomes a file with the parts in the order of the request", async () => {
    const [first, second] = [Buffer.from("first part, "), Buffer.from("second part")];
    const upload = await client.uploads.create({
      ...{ filename: "parts.txt", purpose: "user_data", mime_type: "text/plain" },
      bytes: first.length + second.length,
    });
    expect(upload).toMatchObject({ object: "upload", status: "pending" });
    const add = async (content: Buffer) =>
      (await client.uploads.parts.create(upload.id, { data: await toFile(content, "part") })).id;
    const [late, early] = [await add(second), await add(first)];
    const wrong = client.uploads.complete(upload.id, { part_ids: [early] });
    await expect(wrong).rejects.toMatchObject({ status: 400, param: "part_ids" });
    const completed = await client.uploads.complete(upload.id, { part_ids: [early, late] });
    expect(completed).toMatchObject({ status: "completed", file: { filename: "parts.txt", bytes: 23 } });
    const content = await client.files.content(completed.file?.id ?? "");
    expect(await content.text()).toBe("first part, second part");
    const again = client.uploads.complete(upload.id, { part_ids: [early, late] });
    await expect(again).rejects.toMatchObject({ status: 400, code: "upload_ended" });
  });

  it("can be cancelled", async () => {
    const description = { filename: "x", purpose: "batch", mime_type: "text/plain", bytes: 1 } as const;
    const { id } = await client.uploads.create(description);
    expect(await client.uploads.cancel(id)).toMatchObject({ status: "cancelled" });
    const part = client.uploads.parts.create(id, { data: await toFile(Buffer.from("x"), "x") });
    await expect(part).rejects.toMatchObject({ status: 400 });
  });
});
