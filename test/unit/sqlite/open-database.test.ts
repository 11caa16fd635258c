import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RunError } from "#src/core/failures/errors.ts";
import { isDatabaseBusy, isDatabaseDamaged, toDatabaseError } from "#src/sqlite/database-error.ts";
import { type OpenDatabaseOptions, openDatabase } from "#src/sqlite/open-database.ts";

const NFS = 0x6969;
const EXT4 = 0xef53;
const options: OpenDatabaseOptions = { synchronous: "full", applicationId: 0x51c1_0001, getFileSystemType: () => EXT4 };

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-sqlite-"));
  path = join(folder, "work", "a b#1?%.db");
});
afterEach(async () => {
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true });
});

function catchError(work: () => unknown): RunError {
  try {
    work();
  } catch (error) {
    if (error instanceof RunError) return error;
    throw error;
  }
  throw new Error("no error was thrown");
}

function createTable(): void {
  const { database } = openDatabase(path, options);
  database.exec("CREATE TABLE t (a); INSERT INTO t VALUES (7)");
  database.close();
}

function readPragma(database: ReturnType<typeof openDatabase>["database"], name: string): unknown {
  return database.prepare(`PRAGMA ${name}`).get()?.[name];
}

describe("openDatabase", () => {
  it("creates the folder and a file with a WAL and the requested settings", async () => {
    const { database, note } = openDatabase(path, { ...options, pageSize: 8192, canShrink: true, isPrivate: true });
    expect(note).toBeUndefined();
    expect(readPragma(database, "journal_mode")).toBe("wal");
    expect(readPragma(database, "synchronous")).toBe(2);
    expect(readPragma(database, "page_size")).toBe(8192);
    expect(readPragma(database, "auto_vacuum")).toBe(2);
    expect(readPragma(database, "application_id")).toBe(0x51c1_0001);
    database.exec("CREATE TABLE t (a)");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(`${path}-wal`)).mode & 0o777).toBe(0o600);
    database.close();
  });

  it("uses a rollback journal on a network file system, and returns a note", () => {
    createTable();
    const { database, note } = openDatabase(path, { ...options, synchronous: "normal", getFileSystemType: () => NFS });
    expect(note).toContain("network file system (NFS)");
    expect(readPragma(database, "journal_mode")).toBe("delete");
    expect(readPragma(database, "synchronous")).toBe(1);
    expect(database.prepare("SELECT a FROM t").get()).toEqual({ a: 7 });
    database.close();
  });

  it.each([
    ["SMB as a negative number", 0xff534d42 | 0, "SMB"],
    ["FUSE", 0x65735546, "FUSE"],
    ["Lustre", 0x0bd00bd0, "Lustre"],
  ])("recognizes %s", (_, type, name) => {
    const { database, note } = openDatabase(path, { ...options, getFileSystemType: () => type });
    expect(note).toContain(`(${name})`);
    database.close();
  });

  it("refuses a database of another program and leaves it as it is", async () => {
    const { database } = openDatabase(path, { synchronous: "full", getFileSystemType: () => NFS });
    database.exec("CREATE TABLE theirs (a)");
    database.close();
    const before = await readFile(path);
    expect(catchError(() => openDatabase(path, options)).message).toBe(`${path} is a database of another program`);
    expect(catchError(() => openDatabase(path, { ...options, readOnly: true })).message).toContain("another program");
    expect(await readFile(path)).toEqual(before);
  });

  it("reports a file that is not a database as damaged", async () => {
    await mkdir(join(folder, "work"));
    await writeFile(path, "no database".repeat(1000));
    const error = catchError(() => openDatabase(path, options));
    expect(error.message).toBe(`${path} is damaged`);
    expect(isDatabaseDamaged(error.cause)).toBe(true);
  });

  it("opens for reading only, without creating or changing anything", async () => {
    const work = join(folder, "work");
    await mkdir(work);
    const error = catchError(() => openDatabase(path, { ...options, readOnly: true }));
    expect(error.message).toBe(`cannot read or write ${work}: ENOENT`);
    expect(await readdir(work)).toEqual([]);
    createTable();
    const { database } = openDatabase(path, { ...options, readOnly: true });
    expect(database.prepare("SELECT a FROM t").get()).toEqual({ a: 7 });
    expect(() => database.exec("INSERT INTO t VALUES (8)")).toThrow("readonly");
    database.close();
  });

  it.skipIf(process.getuid?.() === 0)("reads a finished file in a folder without write permission", async () => {
    createTable();
    await chmod(join(folder, "work"), 0o500);
    const { database } = openDatabase(path, { ...options, readOnly: true });
    expect(database.prepare("SELECT a FROM t").get()).toEqual({ a: 7 });
    database.close();
    await chmod(path, 0o400);
    const error = catchError(() => openDatabase(path, options));
    expect(error.message).toBe(`cannot write to ${join(folder, "work")}: permission denied (EACCES)`);
    await chmod(join(folder, "work"), 0o700);
  });
});

describe("toDatabaseError", () => {
  it("reports a lock of another connection", () => {
    createTable();
    const { database: first } = openDatabase(path, options);
    const { database: second } = openDatabase(path, { ...options, busyTimeoutMs: 0 });
    first.exec("BEGIN IMMEDIATE");
    const error = catchError(() => {
      try {
        second.exec("BEGIN IMMEDIATE");
      } catch (caught) {
        throw toDatabaseError(caught, path);
      }
    });
    expect(error.message).toBe(`${path} is locked by another process`);
    expect(isDatabaseBusy(error.cause)).toBe(true);
    first.close();
    second.close();
  });

  it("reports a full disk", () => {
    createTable();
    const { database } = openDatabase(path, options);
    database.exec("PRAGMA max_page_count = 4");
    const error = catchError(() => {
      try {
        database.exec("INSERT INTO t VALUES (zeroblob(100000))");
      } catch (caught) {
        throw toDatabaseError(caught, path);
      }
    });
    expect(error.message).toBe(`cannot write to ${join(folder, "work")}: the disk is full`);
    database.close();
  });

  it("reports damaged pages with the hint of the caller", async () => {
    createTable();
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(0x5a, 4096, 8192));
    const { database } = openDatabase(path, options);
    let error: RunError | undefined;
    try {
      database.prepare("SELECT a FROM t").all();
    } catch (caught) {
      error = toDatabaseError(caught, path, "Do this.");
    }
    expect(error).toMatchObject({ message: `${path} is damaged`, hint: "Do this." });
    database.close();
  });
});
