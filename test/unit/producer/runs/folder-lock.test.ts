import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isProcessAlive, lockFolder } from "#src/producer/runs/folder/folder-lock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const deadPid = () => spawnSync(process.execPath, ["-e", ""]).pid;

test("a folder is locked once, and free again after it is released", async () => {
  const unlock = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toThrow(`in use by process ${process.pid}`);
  await unlock();
  await unlock();
  await (await lockFolder(folder))();
  expect(readdirSync(folder)).toEqual([]);
});

test("a lock left by a dead process of this machine is taken over", async () => {
  writeFileSync(join(folder, "lock"), `${hostname()} ${deadPid()}\n`);
  const unlock = await lockFolder(folder);
  expect(readFileSync(join(folder, "lock"), "utf8")).toMatch(`${hostname()} ${process.pid} `);
  await unlock();
});

test("a lock of another machine is left alone, and the message says what to do", async () => {
  writeFileSync(join(folder, "lock"), "elsewhere 17\n");
  await expect(lockFolder(folder)).rejects.toMatchObject({
    message: expect.stringContaining("process 17 on elsewhere"),
    hint: expect.stringContaining("delete"),
  });
});

test("of many who find a dead lock at once, exactly one gets the folder", async () => {
  for (let round = 0; round < 20; round++) {
    writeFileSync(join(folder, "lock"), `${hostname()} ${deadPid()}\n`);
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
    const winners = outcomes.filter((outcome) => outcome.status === "fulfilled");
    expect(winners).toHaveLength(1);
    await winners[0]?.value();
    expect(readdirSync(folder)).toEqual([]);
  }
});

test("an empty lock, as a power cut may leave it, does not lock the folder for ever", async () => {
  writeFileSync(join(folder, "lock"), "");
  await (await lockFolder(folder))();
});

test("no process has the number nought, a negative one or none", () => {
  expect([isProcessAlive(0), isProcessAlive(-1), isProcessAlive(Number.NaN), isProcessAlive(process.pid)]).toEqual([
    false,
    false,
    false,
    true,
  ]);
});
