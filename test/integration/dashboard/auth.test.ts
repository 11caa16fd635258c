import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadConfig } from "#src/config/config.ts";
import { ConfigError } from "#src/core/failures/errors.ts";
import { Secret } from "#src/core/secret.ts";
import { OPERATOR, openDashboard, type TestDashboard, VIEWER } from "#test/support/dashboard/dashboard.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { waitFor } from "#test/support/wait-for.ts";

/** Every route that reads, with the lowest status that it may answer to a signed-in user. */
const READ_ROUTES = [
  "/api/overview",
  "/api/history?span=hour",
  "/api/runs",
  "/api/runs/none",
  "/api/runs/none/history",
  "/api/runs/none/causes",
  "/api/runs/none/items/export?cause=0123456789ab",
  "/api/runs/none/items",
  "/api/runs/none/items/0",
  "/api/runs/none/records",
  "/api/chats",
  "/api/audit",
  "/metrics",
  "/queues/view/api/queues",
  "/queues/view/",
] as const;

const WRITE_ROUTES: readonly (readonly [path: string, body: unknown])[] = [
  ["/api/runs/none/pause", {}],
  ["/api/runs/none/resume", {}],
  ["/api/runs/none/cancel", {}],
  ["/api/runs/none/window", { items: 5 }],
  ["/api/runs/none/label", { name: "x" }],
  ["/api/runs/none/delete", {}],
  ["/api/runs/none/retry", {}],
  ["/api/runs/none/search", { text: "x" }],
  ["/api/runs/none/items/0/reveal", {}],
  ["/api/lanes/limits", { lane: "fake/m", concurrency: 1 }],
  ["/api/lanes/unpark", { lane: "fake/m" }],
];

let redis: TestRedis;
let secured: TestDashboard;
let open: TestDashboard;
let viewer: string;
let operator: string;

beforeAll(async () => {
  redis = openTestRedis();
  const shared = { redisUrl: redis.url, namespace: redis.namespace };
  secured = await openDashboard({ ...shared, passwords: true });
  open = await openDashboard(shared);
  viewer = await secured.signIn(VIEWER);
  operator = await secured.signIn(OPERATOR, "Ada");
});

afterAll(async () => {
  await secured.close();
  await open.close();
  await redis.cleanup();
});

describe("read access", () => {
  it.each(READ_ROUTES)("does not show %s without a sign-in", async (path) => {
    const { status, json } = await secured.sendRequest(path);
    expect(status).toBe(401);
    if (path.startsWith("/api/")) expect(json().error.code).toBe("signed-out");
  });

  it.each(READ_ROUTES)("lets a viewer read %s", async (path) => {
    expect([200, 404]).toContain((await secured.sendRequest(path, { cookie: viewer })).status);
  });

  it.each(READ_ROUTES)("refuses %s to a page of another site, even without passwords", async (path) => {
    for (const site of ["cross-site", "same-site"]) {
      expect((await open.sendRequest(path, { headers: { "sec-fetch-site": site } })).status).toBe(403);
    }
  });

  it("lets a link on another site open the pages", async () => {
    const headers = {
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    };
    expect([200, 503]).toContain((await open.sendRequest("/", { headers })).status);
    const framed = { ...headers, "sec-fetch-dest": "iframe" };
    expect((await open.sendRequest("/", { headers: framed })).status).toBe(403);
  });

  it("shows the board with actions to operators only", async () => {
    expect((await secured.sendRequest("/queues/act/api/queues", { cookie: viewer })).status).toBe(403);
    expect((await secured.sendRequest("/queues/act/api/queues", { cookie: operator })).status).toBe(200);
  });

  it("redirects a browser that may not see a board to a page that it may see", async () => {
    const headers = { accept: "text/html,application/xhtml+xml" };
    const where = async (path: string, cookie?: string) => {
      const answer = await secured.sendRequest(path, { headers, cookie });
      return answer.status === 302 ? answer.headers.location : answer.status;
    };
    expect(await where("/queues/view/")).toBe("/");
    expect(await where("/queues/view/queue/fake-chat?status=failed")).toBe("/");
    expect(await where("/queues/act/")).toBe("/");
    expect(await where("/queues/act/", viewer)).toBe("/queues/view/");
    expect(await where("/queues/act/", operator)).toBe(200);
    expect(await where("/queues/view/api/queues")).toBe(401);
    expect(await where("/queues/queue/fake-chat")).toBe("/");
    expect(await where("/queues/queue/fake-chat", viewer)).toBe("/queues/view/queue/fake-chat");
    expect(await where("/queues/queue/fake-chat", operator)).toBe("/queues/act/queue/fake-chat");
    expect(await where("/queues/queue/..%2F..%2Fx", viewer)).toBe("/queues/view/queue/..%2F..%2Fx");
  });

  it("refuses events without a sign-in", async () => {
    expect((await secured.sendRequest("/api/events?overview=1")).status).toBe(401);
  });

  it("searches texts, and exports them, for operators only", async () => {
    for (const path of ["items?text=secret", "items?metadata=a%3Db", "items/export?texts=1", "items/export?text=x"]) {
      expect((await secured.sendRequest(`/api/runs/none/${path}`, { cookie: viewer })).status).toBe(403);
      expect((await secured.sendRequest(`/api/runs/none/${path}`, { cookie: operator })).status).toBe(404);
    }
  });
});

describe("changes", () => {
  it.each(WRITE_ROUTES)("%s needs a signed-in operator from the same origin, and JSON", async (path, body) => {
    expect((await secured.post(path, body)).status).toBe(401);
    const viewed = await secured.post(path, body, { cookie: viewer });
    expect(viewed.status).toBe(403);
    expect(viewed.json().error.code).toBe("not-allowed");
    const headersOfOthers: readonly Record<string, string>[] = [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "none" },
      { "sec-fetch-site": "", origin: "http://evil.example" },
      { "sec-fetch-site": "", origin: "null" },
    ];
    for (const headers of headersOfOthers) {
      const foreign = await secured.sendRequest(path, { method: "POST", body, cookie: operator, headers });
      expect(foreign.status).toBe(403);
      expect(foreign.json().error.code).toBe("cross-site-request");
    }
    const unsaid = await secured.sendRequest(path, { method: "POST", body, cookie: operator });
    expect(unsaid.status).toBe(403);
    const form = await secured.sendRequest(path, {
      method: "POST",
      body: "a=b",
      cookie: operator,
      headers: { "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded" },
    });
    expect(form.status).toBe(415);
    // Accepted, but the run does not exist; the lane can exist.
    const allowed = await secured.post(path, body, { cookie: operator });
    expect(allowed.status).toBe(path.startsWith("/api/lanes") ? 200 : 404);
  });

  it("checks Origin if a browser does not send Sec-Fetch-Site", async () => {
    const path = "/api/lanes/unpark";
    const asked = { method: "POST", body: { lane: "fake/m" }, cookie: operator };
    expect((await secured.sendRequest(path, { ...asked, headers: { origin: secured.url } })).status).toBe(200);
    expect((await secured.sendRequest(path, { ...asked, headers: { origin: "http://127.0.0.1:1" } })).status).toBe(403);
  });

  it("records who did what, but not the password", async () => {
    await secured.post("/api/lanes/limits", { lane: "fake/m", concurrency: 3 }, { cookie: operator });
    const { lines } = (await secured.sendRequest("/api/audit", { cookie: viewer })).json();
    expect(lines[0]).toMatchObject({
      userName: "Ada",
      role: "operator",
      action: "set-limit",
      target: "fake/m",
      detail: "concurrency 3",
    });
    expect(JSON.stringify(lines)).not.toContain(OPERATOR);
  });

  it("refuses unknown fields, and keys that could pollute a prototype", async () => {
    const unknown = await secured.post("/api/runs/none/pause", { force: true }, { cookie: operator });
    expect(unknown.status).toBe(400);
    const polluting = await secured.post("/api/lanes/unpark", '{"__proto__":{"lane":"x"}}', {
      cookie: operator,
    });
    expect(polluting.status).toBe(400);
    expect((await secured.post("/api/lanes/unpark", "x".repeat(100_000), { cookie: operator })).status).toBe(413);
  });
});

describe("a server without passwords", () => {
  it("makes everybody on this machine an operator", async () => {
    const { json } = await open.sendRequest("/api/session");
    expect(json()).toMatchObject({
      role: "operator",
      userName: "local",
      isAuthDisabled: true,
      canOperate: true,
    });
    expect((await open.post("/api/lanes/unpark", { lane: "fake/m" })).status).toBe(200);
  });

  it.each(["evil.example", "evil.example:8787", "127.0.0.1.evil.example", "169.254.1.1", "a@127.0.0.1"])(
    "refuses to be called %j: a name may be made to point here",
    async (host) => {
      const { status, json } = await open.sendRequest("/api/overview", { headers: { host } });
      expect([400, 403]).toContain(status);
      if (status === 403) expect(json().error.code).toBe("cross-site-request");
    },
  );

  it.each(["localhost", "localhost:80", "127.0.0.1:8787", "[::1]:8787", "sluice.localhost"])(
    "answers to %j",
    async (host) => {
      expect((await open.sendRequest("/api/session", { headers: { host } })).status).toBe(200);
    },
  );
});

describe("sign-in", () => {
  it("creates a session that scripts cannot read and other sites cannot use", async () => {
    const answer = await secured.post("/api/session", { password: OPERATOR, name: "  Bo\u202e\n " });
    expect(answer.json()).toMatchObject({
      role: "operator",
      userName: "Bo",
      isAuthDisabled: false,
      canOperate: true,
    });
    const cookie = String(answer.headers["set-cookie"]);
    expect(cookie).toContain("HttpOnly");
    expect(cookie).toContain("SameSite=Strict");
    expect(cookie).not.toContain("Secure");
    const forwarded = await secured.post(
      "/api/session",
      { password: VIEWER },
      { headers: { "x-forwarded-proto": "https" } },
    );
    expect(String(forwarded.headers["set-cookie"])).toContain("Secure");
  });

  it("rejects tokens that another server signed or that were changed", async () => {
    await using other = await openDashboard({
      redisUrl: redis.url,
      namespace: redis.namespace,
      passwords: true,
    });
    const foreign = await other.signIn(OPERATOR);
    expect((await secured.sendRequest("/api/overview", { cookie: foreign })).status).toBe(401);
    const [head, body, signature] = viewer.replace("sluice_session=", "").split(".");
    const payload = JSON.parse(Buffer.from(String(body), "base64url").toString());
    const forged = Buffer.from(JSON.stringify({ ...payload, role: "operator" })).toString("base64url");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    for (const token of [`${head}.${forged}.${signature}`, `${none}.${forged}.`, "x", ""]) {
      const cookie = `sluice_session=${token}`;
      expect((await secured.sendRequest("/api/overview", { cookie })).status).toBe(401);
    }
  });

  it("signs out", async () => {
    const answer = await secured.sendRequest("/api/session", {
      method: "DELETE",
      cookie: viewer,
      headers: { "sec-fetch-site": "same-origin" },
    });
    expect(answer.json()).toMatchObject({ isAuthDisabled: false, canOperate: false });
    expect(answer.json()).not.toHaveProperty("role");
    expect(String(answer.headers["set-cookie"])).toContain("sluice_session=;");
  });

  it("ends everything of an expired session, and records sign-ins, sign-outs and wrong passwords", async () => {
    await using watched = await openDashboard({
      redisUrl: redis.url,
      namespace: redis.namespace,
      passwords: true,
    });
    const session = await watched.signIn(OPERATOR, "Cleo");
    const other = await watched.signIn(OPERATOR);
    const signOut = () =>
      watched.sendRequest("/api/session", {
        method: "DELETE",
        cookie: session,
        headers: { "sec-fetch-site": "same-origin" },
      });
    let isOut = false;
    // The event stream of a page with this session ends.
    await watched.events(
      "overview=1",
      () => {
        if (!isOut) void signOut();
        isOut = true;
        return false;
      },
      session,
    );
    expect((await watched.sendRequest("/api/overview", { cookie: session })).status).toBe(401);
    expect((await watched.sendRequest("/api/overview", { cookie: other })).status).toBe(200);
    for (const password of ["guess", "another"]) {
      await watched.post("/api/session", { password, name: "Mallory" });
    }
    const lines = await waitFor(async () => {
      const { lines } = (await watched.sendRequest("/api/audit", { cookie: other })).json();
      return lines[0].userName === "Mallory" ? lines : undefined;
    });
    expect(lines.slice(0, 4)).toMatchObject([
      {
        action: "sign-in",
        userName: "Mallory",
        outcome: "refused",
        reason: "wrong-password",
        detail: "127.0.0.1",
      },
      { action: "sign-out", userName: "Cleo", role: "operator" },
      { action: "sign-in", userName: "operator" },
      { action: "sign-in", userName: "Cleo" },
    ]);
  });

  it("limits attempts of users and of scrapers separately", async () => {
    await using guessed = await openDashboard({
      redisUrl: redis.url,
      namespace: redis.namespace,
      passwords: true,
    });
    const scrape = (password: string) =>
      guessed.sendRequest("/metrics", { headers: { authorization: `Bearer ${password}` } });
    for (let i = 0; i < 9; i++) await guessed.post("/api/session", { password: `guess ${i}` });
    expect((await scrape(VIEWER)).status).toBe(200);
    expect((await guessed.post("/api/session", { password: OPERATOR })).status).toBe(200);
    expect((await guessed.post("/api/session", { password: "the tenth" })).status).toBe(401);
    expect((await guessed.post("/api/session", { password: OPERATOR })).status).toBe(429);
    expect((await scrape(VIEWER)).status).toBe(200);
  });

  it("blocks further attempts after too many failures, and says when to try again", async () => {
    await using guessed = await openDashboard({
      redisUrl: redis.url,
      namespace: redis.namespace,
      passwords: true,
    });
    for (let i = 0; i < 10; i++) {
      const { status, json } = await guessed.post("/api/session", { password: `guess ${i}` });
      expect(status).toBe(401);
      expect(json().error.code).toBe("wrong-password");
    }
    const late = await guessed.post("/api/session", { password: OPERATOR });
    expect(late.status).toBe(429);
    expect(late.json().error.retryAfterMs).toBeGreaterThan(0);
    expect(Number(late.headers["retry-after"])).toBeGreaterThan(0);
  });

  it.each([
    { trustedProxies: [], blocked: true },
    { trustedProxies: ["127.0.0.0/8"], blocked: false },
  ])("counts attempts of forwarded addresses apart only for the trusted proxies $trustedProxies", async (proxy) => {
    const shared = { redisUrl: redis.url, namespace: redis.namespace, passwords: true };
    await using proxied = await openDashboard({ ...shared, trustedProxies: proxy.trustedProxies });
    const signIn = (password: string, address: string) =>
      proxied.post("/api/session", { password }, { headers: { "x-forwarded-for": address } });
    for (let i = 0; i < 10; i++) await signIn(`guess ${i}`, "192.0.2.1");
    expect((await signIn(OPERATOR, "192.0.2.1")).status).toBe(429);
    expect((await signIn(OPERATOR, "192.0.2.2")).status).toBe(proxy.blocked ? 429 : 200);
    expect((await proxied.post("/api/session", { password: OPERATOR, name: "Ada" })).status).toBe(200);
  });

  it("authenticates a scraper by its header, and counts a wrong password as an attempt", async () => {
    const basic = (password: string) => ({
      authorization: `Basic ${Buffer.from(`any:${password}`).toString("base64")}`,
    });
    expect((await secured.sendRequest("/metrics", { headers: basic(VIEWER) })).text).toContain("# TYPE");
    expect((await secured.sendRequest("/metrics", { headers: { authorization: `Bearer ${VIEWER}` } })).status).toBe(
      200,
    );
    expect((await secured.sendRequest("/metrics", { headers: basic("wrong") })).status).toBe(401);
    // The header is not accepted for anything else.
    expect((await secured.sendRequest("/api/overview", { headers: basic(VIEWER) })).status).toBe(401);
  });
});

describe("the address", () => {
  it.each(["0.0.0.0", "::", "192.0.2.1"])("refuses to listen on %s without a password", async (host) => {
    const shared = { redisUrl: redis.url, namespace: redis.namespace, host };
    await expect(openDashboard(shared)).rejects.toThrow(/without a password/);
  });

  it("says which port is in use", async () => {
    const port = Number(new URL(open.url).port);
    const shared = { redisUrl: redis.url, namespace: redis.namespace, port };
    await expect(openDashboard(shared)).rejects.toThrow(`port ${port} on 127.0.0.1 is in use`);
  });
});

describe("every response", () => {
  it.each(["/", "/api/session", "/api/nothing", "/queues/act/"])(
    "of %s says what browsers must not do",
    async (path) => {
      const { headers } = await open.sendRequest(path);
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
      });
      const policy = String(headers["content-security-policy"]);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/script-src[^;]*unsafe|https?:|\*/);
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    },
  );

  it("reveals nothing about an internal error", async () => {
    const { status, text } = await open.sendRequest("/api/runs/%E0%A4%A");
    expect(status).toBe(400);
    expect(text).not.toMatch(/\bat .*\.ts/);
  });
});

describe("SLUICE_TRUSTED_PROXIES", () => {
  it("takes addresses, networks, and loopback, and reports anything else", () => {
    const load = (list: string) => loadConfig({ env: { SLUICE_TRUSTED_PROXIES: list }, cwd: "/nowhere" });
    expect(load("10.0.0.1, fd00::/8,loopback").trustedProxies).toEqual(["10.0.0.1", "fd00::/8", "loopback"]);
    for (const list of ["proxy.example", "10.0.0.0/33", "10.0.0.1 10.0.0.2", "1.2.3.4/8/8"]) {
      expect(() => load(list)).toThrow(/SLUICE_TRUSTED_PROXIES/);
    }
  });
});

describe("passwords in the environment", () => {
  it("are secrets of a minimum length", () => {
    const config = loadConfig({ env: { SLUICE_OPERATOR_PASSWORD: OPERATOR }, cwd: "/nowhere" });
    expect(config.passwords.operator).toBeInstanceOf(Secret);
    expect(JSON.stringify(config)).not.toContain(OPERATOR);
    expect(config.redactions()).toContain(OPERATOR);
    expect(() => loadConfig({ env: { SLUICE_VIEWER_PASSWORD: "short" }, cwd: "/nowhere" })).toThrow(ConfigError);
  });
});
