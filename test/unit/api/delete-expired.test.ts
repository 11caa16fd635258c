import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DataFolder } from "#src/api/storage/data-folder.ts";
import { deleteExpired } from "#src/api/storage/delete-expired.ts";

const NOW = Date.UTC(2026, 11, 1);
const DAY_MS = 24 * 3600_000;

let data: DataFolder;
beforeEach(() => {
  data = new DataFolder(mkdtempSync(join(tmpdir(), "sluice-data-")));
});
afterEach(() => rmSync(data.root, { recursive: true }));

function add(kind: "files" | "batches" | "uploads", name: string, description: string, value: object): string {
  const folder = join(data.tenant(kind, "a tenant"), name);
  mkdirSync(join(folder, "run"), { recursive: true });
  writeFileSync(join(folder, description), JSON.stringify(value));
  return folder;
}

test("files and uploads are deleted when they expire", async () => {
  const file = { id: "f", filename: "x", purpose: "batch", bytes: 1, createdAt: 0 };
  const old = add("files", "old", "file.json", { ...file, expiresAt: NOW });
  const valid = add("files", "valid", "file.json", { ...file, expiresAt: NOW + 1 });
  const kept = add("files", "kept", "file.json", file);
  const damaged = add("files", "damaged", "file.json", { id: 3 });
  const upload = { id: "u", filename: "x", purpose: "batch", mimeType: "", bytes: 1, status: "pending", createdAt: 0 };
  const part = add("uploads", "old", "upload.json", { ...upload, expiresAt: NOW });
  await deleteExpired(data, NOW);
  expect([old, valid, kept, damaged, part].map(existsSync)).toEqual([false, true, true, true, false]);
});

test("what a batch worked with is deleted a month after its end; the batch itself stays", async () => {
  const batch = {
    ...{ id: "b", tenant: "t", endpoint: "/v1/embeddings", completionWindow: "24h", metadata: null, createdAt: 0 },
    status: "completed",
  };
  const old = add("batches", "old", "batch.json", { ...batch, expiresAt: NOW - 30 * DAY_MS });
  const recent = add("batches", "recent", "batch.json", { ...batch, expiresAt: NOW - DAY_MS });
  const running = add("batches", "running", "batch.json", { ...batch, status: "in_progress", expiresAt: 0 });
  await deleteExpired(data, NOW);
  expect([old, recent, running].map((folder) => existsSync(join(folder, "run")))).toEqual([false, true, true]);
  expect(existsSync(join(old, "batch.json"))).toBe(true);
});

test("a folder without anything is left as it is", async () => {
  await deleteExpired(data, NOW);
});
