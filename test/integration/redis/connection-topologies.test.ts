import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Queue, Worker } from "bullmq";
import { Cluster, Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { assertServerUsable, checkServer } from "#src/redis/check-server.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import {
  findFreePort,
  hasRedisServer,
  type RedisProcess,
  startRedisProcess,
} from "#test/support/redis/redis-process.ts";
import { waitFor } from "#test/support/wait-for.ts";

const servers: RedisProcess[] = [];
const sources: RedisSource[] = [];
const folders: string[] = [];

async function serve(...options: Parameters<typeof startRedisProcess>): Promise<RedisProcess> {
  const server = await startRedisProcess(...options);
  servers.push(server);
  return server;
}

function open(url: string): RedisSource {
  const source = openRedis(parseRedisUrl(url));
  sources.push(source);
  return source;
}

async function makeTempFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-topology-"));
  folders.push(dir);
  return dir;
}

afterEach(async () => {
  await Promise.all(sources.splice(0).map((source) => source.close()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await Promise.all(folders.splice(0).map((dir) => rm(dir, { recursive: true, force: true })));
});

/** Processes one job through queue and worker, with connections of `source`. */
async function processOneJob(source: RedisSource): Promise<void> {
  const prefix = "{jobs}";
  const queue = new Queue("q", { connection: source.connect("bullmq"), prefix });
  let seen = 0;
  const worker = new Worker(
    "q",
    async () => {
      seen += 1;
    },
    { connection: source.connect("bullmq"), prefix },
  );
  worker.on("error", () => {});
  await queue.add("j", {});
  await waitFor(() => seen === 1, { what: "the job" });
  await worker.close();
  await queue.close();
}

function openssl(dir: string, ...words: string[]): void {
  execFileSync("openssl", words, { cwd: dir, stdio: "pipe" });
}

/** Creates a certificate authority, and its certificate for 127.0.0.1 in `server.crt` and `server.key`. */
async function makeCertificates(): Promise<string> {
  const dir = await makeTempFolder();
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(dir, "req", "-x509", ...curve, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test ca");
  openssl(dir, "req", ...curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1");
  await writeFile(join(dir, "san"), "subjectAltName=IP:127.0.0.1");
  const sign = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "san"];
  openssl(dir, "x509", "-req", "-in", "server.csr", ...sign, "-out", "server.crt");
  return dir;
}

function canEncrypt(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "pipe" });
    // A server built without TLS reports the setting as unknown.
    execFileSync("redis-server", ["--tls-port", "0", "--port", "0", "--tls-replication", "wrong"], {
      stdio: "pipe",
    });
  } catch (error) {
    const stderr = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
    if (stderr.includes("argument must be 'yes' or 'no'")) return true;
    console.warn(`TLS tests are skipped: ${stderr}`);
  }
  return false;
}

describe.skipIf(!hasRedisServer() || !canEncrypt())("a Redis with TLS", () => {
  test("is reached if its certificate is trusted, with or without a client certificate", async () => {
    const dir = await makeCertificates();
    const files = [
      ["tls-cert-file", `${dir}/server.crt`],
      ["tls-key-file", `${dir}/server.key`],
      ["tls-ca-cert-file", `${dir}/ca.crt`],
    ];
    const port = await findFreePort();
    await serve({ settings: [["tls-port", String(port)], ["tls-auth-clients", "no"], ...files] });
    const source = open(`rediss://127.0.0.1:${port}?ca=${dir}/ca.crt`);
    await source.assertReachable();
    expect(await source.connect("commands").set("k", "v")).toBe("OK");
    await processOneJob(source);

    const untrusting = open(`rediss://127.0.0.1:${port}`);
    await expect(untrusting.assertReachable()).rejects.toMatchObject({
      message: expect.stringContaining(`cannot use Redis at rediss://127.0.0.1:${port}/0`),
      hint: expect.stringContaining("certificate"),
    });

    const strictPort = await findFreePort();
    await serve({ settings: [["tls-port", String(strictPort)], ["tls-auth-clients", "yes"], ...files] });
    const known = open(
      `rediss://127.0.0.1:${strictPort}?ca=${dir}/ca.crt&cert=${dir}/server.crt&key=${dir}/server.key`,
    );
    await known.assertReachable();
    await expect(open(`rediss://127.0.0.1:${strictPort}?ca=${dir}/ca.crt`).assertReachable()).rejects.toThrow(
      "cannot use Redis",
    );
  });
});

describe.skipIf(!hasRedisServer())("three Sentinels", () => {
  async function watchedPair() {
    const password = ["requirepass", "pw"];
    const client = { password: "pw" };
    const master = await serve({ settings: [password, ["masterauth", "pw"]], client });
    const replica = await serve({
      settings: [password, ["masterauth", "pw"], ["replicaof", "127.0.0.1", String(master.port)]],
      client,
    });
    const dir = await makeTempFolder();
    const sentinels = await Promise.all([1, 2, 3].map((number) => sentinel(dir, number, master.port)));
    const hosts = sentinels.map((server) => `127.0.0.1:${server.port}`).join(",");
    return { master, replica, sentinels, url: `redis+sentinel://:pw@${hosts}/main` };
  }

  async function sentinel(dir: string, number: number, masterPort: number): Promise<RedisProcess> {
    const file = join(dir, `sentinel-${number}.conf`);
    const lines = [
      `sentinel monitor main 127.0.0.1 ${masterPort} 2`,
      "sentinel auth-pass main pw",
      "sentinel down-after-milliseconds main 1000",
      "sentinel failover-timeout main 5000",
    ];
    await writeFile(file, `${lines.join("\n")}\n`);
    return serve({ leadingArgs: [file, "--sentinel"], persistence: false });
  }

  test("lead to the master, and after a failover to the new one, while commands wait", async () => {
    const { master, replica, sentinels, url } = await watchedPair();
    const watcher = open(sentinels[0]!.url).connect("commands");
    await waitFor(
      async () => {
        const state = (await watcher.call("SENTINEL", "master", "main")) as string[];
        const value = (name: string) => state[state.indexOf(name) + 1];
        return value("num-slaves") === "1" && value("num-other-sentinels") === "2";
      },
      { what: "the Sentinels to know each other" },
    );
    const source = open(url);
    await source.assertReachable();
    const client = source.connect("commands");
    await client.set("before", "1");
    await waitFor(async () => (await client.call("WAIT", 1, 100)) === 1, { what: "the replica" });
    assertServerUsable(await checkServer(client));
    await master.kill("SIGKILL");
    expect(await client.incr("before")).toBe(2);
    const port = await client.config("GET", "port");
    expect(port).toEqual(["port", String(replica.port)]);
    await processOneJob(source);
  });

  test("that are unreachable are reported, and closing does not hang", async () => {
    const [first, second] = [await findFreePort(), await findFreePort()];
    const source = open(`redis+sentinel://127.0.0.1:${first},127.0.0.1:${second}/main`);
    await expect(source.assertReachable()).rejects.toThrow("All sentinels are unreachable");
    const pending = source.connect("commands").ping();
    const settled = expect(pending).rejects.toThrow();
    await source.close();
    await settled;
  });
});

describe.skipIf(!hasRedisServer())("a Redis Cluster of three nodes", () => {
  async function cluster() {
    const settings = [
      ["cluster-enabled", "yes"],
      ["cluster-config-file", "nodes.conf"],
      ["cluster-node-timeout", "2000"],
      ["requirepass", "pw"],
      ["masterauth", "pw"],
    ];
    const start = async () => {
      // The nodes use a second port for their bus, by default 10000 above the first.
      const bus = await findFreePort();
      return serve({ settings: [...settings, ["cluster-port", String(bus)]], client: { password: "pw" } });
    };
    const nodes = [await start(), await start(), await start()];
    const hosts = nodes.map((node) => `127.0.0.1:${node.port}`);
    execFileSync("redis-cli", ["-a", "pw", "--no-auth-warning", "--cluster", "create", ...hosts, "--cluster-yes"]);
    const addReplica = async (master: RedisProcess) => {
      const [server, admin] = [await start(), new Redis(master.port, { password: "pw" })];
      const replica = new Redis(server.port, { password: "pw" });
      const [, bus = ""] = /:\d+@(\d+)\S* myself/.exec(String(await admin.call("CLUSTER", "NODES"))) ?? [];
      await replica.call("CLUSTER", "MEET", "127.0.0.1", master.port, bus);
      const id = String(await admin.call("CLUSTER", "MYID"));
      await waitFor(() => replica.call("CLUSTER", "REPLICATE", id).then(Boolean, () => false), { what: "the replica" });
      await waitFor(async () => (await replica.info("replication")).includes("master_link_status:up"));
      for (const one of [admin, replica]) one.disconnect();
    };
    return { nodes, url: `redis+cluster://:pw@${hosts.join(",")}`, addReplica };
  }

  test("accepts commands, scripts and jobs, is checked node by node, and may temporarily lose a node", async () => {
    const { nodes, url } = await cluster();
    const source = open(url);
    await waitFor(
      () =>
        source.assertReachable().then(
          () => true,
          () => false,
        ),
      { what: "the cluster" },
    );
    const client = source.connect("commands");
    if (!(client instanceof Cluster)) throw new Error("a cluster URL opened something else");
    const keys = Array.from({ length: 60 }, (_, index) => `key:${index}`);
    await Promise.all(keys.map((key) => client.set(key, key)));
    expect(client.nodes("master")).toHaveLength(3);
    const check = await checkServer(client);
    expect(check.findings).toEqual([]);
    await processOneJob(source);

    await nodes[1]!.kill("SIGKILL");
    const replies = Promise.all(keys.map((key) => client.get(key)));
    replies.catch(() => {});
    await nodes[1]!.start();
    expect(await replies).toEqual(keys);

    await client.nodes("master")[0]!.config("SET", "maxmemory-policy", "allkeys-lru");
    expect(() => assertServerUsable({ ...check, findings: [] })).not.toThrow();
    const again = await checkServer(client);
    expect(again.findings).toHaveLength(1);
    expect(again.findings[0]?.message).toMatch(/^node 127\.0\.0\.1:\d+: its maxmemory-policy is allkeys-lru/);
  });

  test("commands to a lost master go to the replica that takes over its slots", async () => {
    const { nodes, url, addReplica } = await cluster();
    const client = open(url).connect("commands");
    // The slot of this key belongs to the last master.
    await waitFor(() => client.set("foo", "old").then(Boolean, () => false), { what: "the cluster" });
    await addReplica(nodes[2]!);
    await nodes[2]!.kill("SIGKILL");
    const pipeline = client.pipeline().set("foo", "piped").exec();
    expect(await client.set("foo", "new")).toBe("OK");
    expect(await pipeline).toEqual([[null, "OK"]]);
  });

  test("that is unreachable is reported, and closing does not hang", async () => {
    const port = await findFreePort();
    const source = open(`redis+cluster://127.0.0.1:${port}`);
    await expect(source.assertReachable()).rejects.toThrow(`cannot use Redis at redis+cluster://127.0.0.1:${port}: `);
    await expect(source.assertReachable()).rejects.toThrow(/ECONNREFUSED|no node could be reached/);
    const pending = source.connect("commands").ping();
    const settled = expect(pending).rejects.toThrow();
    await source.close();
    await settled;
  });
});
