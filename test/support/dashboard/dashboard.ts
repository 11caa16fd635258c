import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { Failure } from "#src/core/item.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { Secret } from "#src/core/secret.ts";
import { type DashboardOptions, startDashboard } from "#src/dashboard/start-dashboard.ts";
import { type RunManifest, writeManifest } from "#src/producer/runs/run-manifest.ts";
import { openRedis } from "#src/redis/connection.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import type { RecordCall } from "#src/state/record-format/record-codec.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { openPlannedStore, writePlannedRun } from "#test/support/runs/planned-run.ts";

export const VIEWER = "viewer password";
export const OPERATOR = "operator password";

export interface TestResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of all shapes.
  json(): any;
}

export interface RequestOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly cookie?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LiveEvent {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read events of all shapes.
  readonly data: any;
}

/** A dashboard in the test process, with requests as a browser sends them. */
export interface TestDashboard extends AsyncDisposable {
  readonly url: string;
  readonly errors: string[];
  sendRequest(path: string, options?: RequestOptions): Promise<TestResponse>;
  /** Sends a JSON body from the same origin, as the pages do. */
  post(path: string, body?: unknown, options?: RequestOptions): Promise<TestResponse>;
  /** Signs in and returns the session cookie. */
  signIn(password: string, name?: string): Promise<string>;
  /** Collects events until `isComplete` returns true, then closes the stream. */
  events(query: string, isComplete: (events: readonly LiveEvent[]) => boolean, cookie?: string): Promise<LiveEvent[]>;
  close(): Promise<void>;
}

export interface TestDashboardOptions extends Partial<Omit<DashboardOptions, "passwords">> {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly passwords?: boolean | undefined;
}

export async function openDashboard({
  redisUrl,
  namespace,
  passwords = false,
  ...options
}: TestDashboardOptions): Promise<TestDashboard> {
  const source = openRedis(parseRedisUrl(redisUrl));
  const errors: string[] = [];
  const dashboard = await startDashboard({
    host: "127.0.0.1",
    port: 0,
    passwords: passwords
      ? { viewer: new Secret(VIEWER), operator: new Secret(OPERATOR) }
      : { viewer: undefined, operator: undefined },
    redis: source,
    keys: createKeys(namespace),
    namespace,
    isPrivateRedis: false,
    version: "test",
    providers: () => ["fake"],
    limitsOf: (lane) => (lane.provider === "fake" ? { concurrency: 8 } : undefined),
    embedQuery: async () => new Float32Array([1, 0, 0, 0]),
    command: { program: process.execPath, args: ["-e", ""], env: process.env },
    onError: (error, where) => errors.push(`${where}: ${error.message}`),
    ...options,
  }).catch(async (error) => {
    await source.close();
    throw error;
  });
  const { url } = dashboard;
  const sendRequest = (path: string, requestOptions: RequestOptions = {}) => send(url, path, requestOptions);
  const post = (path: string, body: unknown = {}, requestOptions: RequestOptions = {}) =>
    sendRequest(path, {
      method: "POST",
      body,
      ...requestOptions,
      headers: { "sec-fetch-site": "same-origin", ...requestOptions.headers },
    });
  const close = async () => {
    await dashboard.close();
    await source.close();
  };
  return {
    url,
    errors,
    sendRequest,
    post,
    async signIn(password, name) {
      const answer = await post("/api/session", name === undefined ? { password } : { password, name });
      if (answer.status !== 200) throw new Error(answer.text);
      return String(answer.headers["set-cookie"]).split(";")[0] ?? "";
    },
    events: (query, isComplete, cookie) => readEvents(`${url}/api/events?${query}`, isComplete, cookie),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function send(
  url: string,
  path: string,
  { method = "GET", body, cookie, headers }: RequestOptions,
): Promise<TestResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<TestResponse>();
  const { hostname: host, port } = new URL(url);
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  // The path is sent unchanged; a URL object would normalize it.
  const sent = request({
    host,
    port,
    path,
    method,
    headers: omitUndefined({
      "content-type": text === undefined ? undefined : "application/json",
      "content-length": text === undefined ? undefined : Buffer.byteLength(text),
      cookie,
      ...headers,
    }),
    agent: false,
  });
  sent.once("error", reject);
  sent.once("response", async (response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const answer = Buffer.concat(chunks).toString("utf8");
    resolve({
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: answer,
      json: () => JSON.parse(answer),
    });
  });
  sent.end(text);
  return promise;
}

async function readEvents(
  url: string,
  isComplete: (events: readonly LiveEvent[]) => boolean,
  cookie: string | undefined,
): Promise<LiveEvent[]> {
  const stop = new AbortController();
  const response = await fetch(url, {
    signal: stop.signal,
    headers: cookie === undefined ? {} : { cookie },
  });
  if (!response.ok || !response.body) throw new Error(`${response.status} ${await response.text()}`);
  const events: LiveEvent[] = [];
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const [, event] = /^event: (.*)$/m.exec(block) ?? [];
        const [, data] = /^data: (.*)$/m.exec(block) ?? [];
        if (event !== undefined && data !== undefined) events.push({ event, data: JSON.parse(data) });
      }
      if (isComplete(events)) break;
    }
  } finally {
    stop.abort();
  }
  return events;
}

export interface FixtureItem {
  readonly id: string;
  readonly text: string;
  /** Without `vector` and `failure`, the item has no record yet. */
  readonly vector?: readonly number[];
  readonly failure?: Failure;
  /** The call that gave the record. */
  readonly call?: RecordCall;
  /** 2 by default. */
  readonly attempts?: number;
}

/** An embedding run on disk and in Redis in the state after its coordinator has stopped. */
export class RunFixture implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), "sluice-made-"));
  readonly run: string;

  constructor(run: string) {
    this.run = run;
  }

  /** Writes the run folder and registers the run in Redis. */
  async create(
    items: readonly FixtureItem[],
    { client, keys }: { readonly client: RedisClient; readonly keys: Keys },
    about: { readonly host?: string; readonly dir?: string; readonly state?: string } = {},
  ): Promise<void> {
    const planned = items.map(({ id, text }) => {
      return { id, text, tokens: 3, metadata: JSON.stringify({ source: `${id}.md` }) };
    });
    await writePlannedRun(this.dir, planned);
    const store = await openPlannedStore(this.dir, items.length, { vectors: { layout: "flat", dimensions: 4 } });
    for (const [index, { vector, failure, call, attempts = 2 }] of items.entries()) {
      const record = { index, attempts, tokens: 3, call };
      if (vector) await store.write([{ ...record, vector: Buffer.from(new Float32Array(vector).buffer) }]);
      else if (failure) await store.write([{ ...record, failure }]);
    }
    await store.close();
    const { ok, failed, missing } = store.counts();
    await this.writeManifest({ total: items.length, succeeded: ok, failed, missing });
    const control = new RunControl(client, keys, this.run);
    await control.register(Date.now());
    await control.updateMeta({
      state: about.state ?? "paused",
      items: items.length,
      model: "fake/m",
      dir: about.dir ?? this.dir,
      host: about.host ?? hostname(),
    });
  }

  async writeManifest(items: RunManifest["items"], run = this.run): Promise<void> {
    await writeManifest(this.dir, {
      version: 1,
      run,
      kind: "embedding",
      type: "db",
      state: "stopped",
      sluice: "test",
      model: "fake/m",
      source: {
        paths: ["x"],
        sha256: "",
        fingerprint: "",
        files: 1,
        skippedFiles: 0,
        documents: items.total,
        bytes: 1,
        items: items.total,
        estimatedTokens: 1,
        skippedInvalid: 0,
      },
      createdAt: new Date(0).toISOString(),
      activeMs: 1_000,
      items,
      failuresByKind: items.failed > 0 ? { server: items.failed } : {},
      tokens: 10,
      calls: { made: 3, answered: 2, failed: 1, throttled: 0, paidTwice: 0 },
      snoozes: 0,
      counters: {},
      dimensions: 4,
      output: { format: "npy", withText: false, files: [] },
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
