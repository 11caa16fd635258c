import { type ChildProcess, fork } from "node:child_process";
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openRedis } from "#src/redis/connection.ts";
import { startPrivateRedis } from "#src/redis/private-server/private-server.ts";
import { isSameProcessAlive, type ProcessIdentity } from "#src/redis/private-server/process-identity.ts";
import { readLiveRecord, readRecord, resolvePrivateFiles } from "#src/redis/private-server/server-files.ts";
import type { RedisTarget } from "#src/redis/url.ts";
import { hasRedisServer } from "#test/support/redis/redis-process.ts";
import { waitFor } from "#test/support/wait-for.ts";

interface ChildMessage {
  readonly target?: RedisTarget;
  readonly count?: number;
  readonly left?: boolean;
  readonly error?: string;
  readonly hint?: string;
}

/** A child process that has joined the private Redis, or failed to. */
class PrivateRedisUser {
  readonly child: ChildProcess;
  readonly #received: ChildMessage[] = [];
  #exited = false;

  constructor(dir: string, env: NodeJS.ProcessEnv = process.env) {
    const file = new URL("../../support/redis/private-redis-user.ts", import.meta.url);
    this.child = fork(file, [dir], {
      env,
      execArgv: ["--disable-warning=ExperimentalWarning"],
      detached: true,
    });
    this.child.on("message", (message) => this.#received.push(message as ChildMessage));
    this.child.on("exit", () => {
      this.#exited = true;
    });
  }

  async next(): Promise<ChildMessage> {
    await waitFor(() => this.#received.length > 0 || this.#exited, {
      what: "a message from a user of the private Redis",
    });
    return this.#received.shift() ?? { error: "the process ended without a message" };
  }

  async joined(): Promise<PrivateRedisUser> {
    const received = await this.next();
    if (received.target === undefined) throw new Error(`${received.error}\n${received.hint}`);
    return this;
  }

  async count(): Promise<number | undefined> {
    this.child.send("count");
    return (await this.next()).count;
  }

  async leave(): Promise<void> {
    this.child.send("leave");
    expect(await this.next()).toEqual({ left: true });
    await this.ended();
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (!this.#exited) process.kill(-this.child.pid!, signal);
    await this.ended();
  }

  async ended(): Promise<void> {
    await waitFor(() => this.#exited, { what: "the end of a user of the private Redis" });
  }
}

describe.skipIf(!hasRedisServer())("the private Redis of a folder", () => {
  let dir = "";
  const users: PrivateRedisUser[] = [];
  const seen: ProcessIdentity[] = [];

  const files = () => resolvePrivateFiles(join(realpathSync(dir), ".sluice", "redis"));
  const start = (env?: NodeJS.ProcessEnv) => {
    const user = new PrivateRedisUser(dir, env);
    users.push(user);
    return user;
  };
  const join1 = () => start().joined();
  const process1 = async (record: "supervisorRecord" | "serverRecord") => {
    const found = await waitFor(() => readLiveRecord(files()[record]), { what: record });
    seen.push(found);
    return found;
  };
  const supervisor = () => process1("supervisorRecord");
  const server = () => process1("serverRecord");
  const waitForExit = (identity: ProcessIdentity) =>
    waitFor(() => !isSameProcessAlive(identity), { what: "the end of a process" });
  const nothingRuns = () =>
    readLiveRecord(files().supervisorRecord) === undefined && readLiveRecord(files().serverRecord) === undefined;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "sluice-private-"));
  });

  afterEach(async () => {
    for (const user of users.splice(0)) await user.kill();
    for (const record of [files().supervisorRecord, files().serverRecord]) {
      const found = readLiveRecord(record);
      if (found !== undefined) seen.push(found);
    }
    for (const identity of seen.splice(0)) if (isSameProcessAlive(identity)) process.kill(identity.pid, "SIGKILL");
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  });

  test("is one server for two processes, and stops with the last of them", async () => {
    const [first, second] = await Promise.all([join1(), join1()]);
    const [kept, served] = [await supervisor(), await server()];
    expect(await first.count()).toBe(1);
    expect(await second.count()).toBe(2);
    await first.leave();
    expect(isSameProcessAlive(served)).toBe(true);
    expect(await second.count()).toBe(3);
    await second.leave();
    expect(isSameProcessAlive(served)).toBe(false);
    expect(isSameProcessAlive(kept)).toBe(false);
  });

  test("keeps its data from one session to the next", async () => {
    const first = await join1();
    await first.count();
    await first.leave();
    expect(nothingRuns()).toBe(true);
    const second = await join1();
    expect(await second.count()).toBe(2);
    await second.leave();
  });

  test("is accessible to its owner only, persists every write and never evicts", async () => {
    const mine = await startPrivateRedis(dir);
    const source = openRedis(mine.target);
    const client = source.connect("commands");
    const setting = async (name: string) => ((await client.config("GET", name)) as string[])[1];
    expect(await setting("port")).toBe("0");
    expect(await setting("appendonly")).toBe("yes");
    expect(await setting("maxmemory-policy")).toBe("noeviction");
    expect(mine.target.kind).toBe("socket");
    const socket = mine.target.kind === "socket" ? mine.target.path : "";
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700);
    await source.close();
    await mine.leave();
  });

  test("survives kill -9 of redis-server, with every acknowledged write", async () => {
    const user = await join1();
    expect(await user.count()).toBe(1);
    const before = await server();
    process.kill(before.pid, "SIGKILL");
    expect(await user.count()).toBe(2);
    expect((await server()).pid).not.toBe(before.pid);
    await user.leave();
    expect(nothingRuns()).toBe(true);
  });

  test("survives kill -9 of its supervisor, which is replaced while the server stays", async () => {
    const user = await join1();
    const [kept, served] = [await supervisor(), await server()];
    process.kill(kept.pid, "SIGKILL");
    await waitForExit(kept);
    const replaced = await supervisor();
    expect(replaced.pid).not.toBe(kept.pid);
    expect(await user.count()).toBe(1);
    expect(isSameProcessAlive(served)).toBe(true);
    await user.leave();
    expect(nothingRuns()).toBe(true);
  });

  test("is adopted by the next process after supervisor and users were killed", async () => {
    const user = await join1();
    await user.count();
    const [kept, served] = [await supervisor(), await server()];
    process.kill(kept.pid, "SIGKILL");
    await user.kill();
    expect(isSameProcessAlive(served)).toBe(true);
    const next = await join1();
    expect((await server()).pid).toBe(served.pid);
    expect(await next.count()).toBe(2);
    await next.leave();
    expect(nothingRuns()).toBe(true);
  });

  test("is restarted after supervisor and server were killed while it had a user", async () => {
    const user = await join1();
    await user.count();
    const [kept, served] = [await supervisor(), await server()];
    process.kill(kept.pid, "SIGKILL");
    process.kill(served.pid, "SIGKILL");
    expect(await user.count()).toBe(2);
    await user.leave();
    expect(nothingRuns()).toBe(true);
  });

  test("is restarted by the supervisor that adopted it", async () => {
    const user = await join1();
    const first = await supervisor();
    const served = await server();
    process.kill(first.pid, "SIGKILL");
    await waitForExit(first);
    await supervisor();
    process.kill(served.pid, "SIGKILL");
    expect(await user.count()).toBe(1);
    await user.leave();
    expect(nothingRuns()).toBe(true);
  });

  test("stops some seconds after its users were killed", async () => {
    const [first, second] = await Promise.all([join1(), join1()]);
    const [kept, served] = [await supervisor(), await server()];
    await Promise.all([first.kill(), second.kill()]);
    await waitForExit(served);
    await waitForExit(kept);
  });

  test("keeps running when Ctrl-C ends one of its users", async () => {
    const [first, second] = await Promise.all([join1(), join1()]);
    const kept = await supervisor();
    await first.kill("SIGINT");
    expect(await second.count()).toBe(1);
    expect(isSameProcessAlive(kept)).toBe(true);
    await second.leave();
    expect(nothingRuns()).toBe(true);
  });

  test("works for a process that starts while another one leaves", async () => {
    const counts: (number | undefined)[] = [];
    let leaving: Promise<void> = Promise.resolve();
    for (let turn = 0; turn < 6; turn += 1) {
      const user = start();
      await Promise.all([user.joined(), leaving]);
      counts.push(await user.count());
      leaving = user.leave();
    }
    await leaving;
    expect(counts).toEqual([1, 2, 3, 4, 5, 6]);
    expect(nothingRuns()).toBe(true);
  });

  test("does not inherit the environment of the process that started it", async () => {
    const user = await start({ ...process.env, MINIMAX_API_KEY: "sk-secret" }).joined();
    for (const { pid } of [await supervisor(), await server()]) {
      if (existsSync(`/proc/${pid}/environ`)) {
        expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toContain("sk-secret");
      }
    }
    await user.leave();
  });

  test("creates its socket in a separate folder when the path would be too long", async () => {
    const outer = dir;
    dir = join(outer, "d".repeat(120));
    await mkdir(dir);
    const user = start();
    const received = await user.next();
    const socket = received.target?.kind === "socket" ? received.target.path : "";
    expect(socket.length).toBeLessThan(100);
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700);
    expect(await user.count()).toBe(1);
    await user.leave();
    await rm(dirname(socket), { recursive: true });
    dir = outer;
  });

  test("reports the log of redis-server when it cannot start, and leaves no process running", async () => {
    const first = await join1();
    await first.count();
    await first.leave();
    const log = join(files().data, "appendonlydir", "appendonly.aof.1.incr.aof");
    await writeFile(log, "this is no append-only file\n".repeat(100));
    const received = await start().next();
    expect(received.error).toContain("the private Redis does not start");
    expect(received.error).toContain("Bad file format");
    expect(received.hint).toContain("redis.log");
    await waitFor(nothingRuns);
  });

  test("explains how to install a server when there is none on PATH", async () => {
    const bin = join(dir, "bin");
    await mkdir(bin);
    await symlink(process.execPath, join(bin, "node"));
    const received = await start({ ...process.env, PATH: bin }).next();
    expect(received.error).toContain("neither redis-server nor valkey-server is on PATH");
    expect(received.hint).toContain("Debian, Ubuntu:  sudo apt-get install redis-server");
    expect(readRecord(files().supervisorRecord)).toBeUndefined();
  });

  test("stops after its folder was deleted and its users have left", async () => {
    const user = await join1();
    const [kept, served] = [await supervisor(), await server()];
    await rm(join(dir, ".sluice"), { recursive: true });
    expect(await user.count()).toBe(1);
    await user.kill();
    await waitForExit(served);
    await waitForExit(kept);
  });
});
