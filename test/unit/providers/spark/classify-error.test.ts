import { describe, expect, it } from "vitest";
import { classifySparkResponse, createSparkCodeError } from "#src/providers/spark/classify-error.ts";
import { SPARK_CODES } from "#src/providers/spark/profile.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";

const NOW = Date.UTC(2026, 10, 21);

function answer(status: number, body: unknown, headers: HttpResponse["headers"] = {}): HttpResponse {
  return { status, headers, body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)) };
}

const rows: [number, string, string | undefined][] = [
  [10000, "server", undefined],
  [10001, "server", undefined],
  [10002, "server", undefined],
  [10003, "invalid-request", undefined],
  [10004, "invalid-request", undefined],
  [10005, "invalid-request", undefined],
  [10006, "throttled", "concurrency"],
  [10007, "throttled", "concurrency"],
  [10008, "overloaded", undefined],
  [10009, "server", undefined],
  [10010, "server", undefined],
  [10011, "server", undefined],
  [10012, "server", undefined],
  [10013, "content-filter", undefined],
  [10014, "content-filter", undefined],
  [10015, "auth", undefined],
  [10016, "auth", undefined],
  [10017, "server", undefined],
  [10019, "content-filter", undefined],
  [10021, "content-filter", undefined],
  [10110, "overloaded", undefined],
  [10139, "invalid-request", undefined],
  [10160, "invalid-request", undefined],
  [10163, "invalid-request", undefined],
  [10165, "invalid-request", undefined],
  [10222, "server", undefined],
  [10313, "auth", undefined],
  [10404, "auth", undefined],
  [10907, "too-long", undefined],
  [11200, "auth", undefined],
  [11201, "quota", undefined],
  [11202, "throttled", "requests"],
  [11203, "throttled", "concurrency"],
];

describe("the table of Spark's codes", () => {
  it.each(rows)("classifies %d as %s (%s)", (code, kind, dimension) => {
    const error = createSparkCodeError(code);
    expect(error).toMatchObject({
      kind,
      dimension,
      code: String(code),
      provider: "spark",
      isUnlisted: false,
    });
    expect(error.message).toContain(`code ${code}`);
  });

  it("is tested row by row", () => {
    expect(rows.map(([code]) => code)).toEqual(Object.keys(SPARK_CODES).map(Number));
  });

  it("waits for one second at a limit per second, or for the time that the provider states", () => {
    expect(createSparkCodeError(11202).retryAfterMs).toBe(1000);
    expect(createSparkCodeError(11202, { retryAfterMs: 5000 }).retryAfterMs).toBe(5000);
  });

  it("marks an unknown code as unlisted", () => {
    expect(createSparkCodeError(19999)).toMatchObject({ kind: "server", code: "19999", isUnlisted: true });
    expect(createSparkCodeError(19999, { status: 429 })).toMatchObject({ kind: "throttled", isUnlisted: true });
  });
});

describe("classifySparkResponse", () => {
  it.each([
    ["Unauthorized"],
    ["HMAC signature cannot be verified"],
    ["HMAC signature cannot be verified: apikey not found"],
    ["HMAC signature does not match"],
  ])("points to key and secret if the gateway responds with 401 %s", (message) => {
    const error = classifySparkResponse(answer(401, { message }), NOW);
    expect(error).toMatchObject({ kind: "auth", status: 401, isUnlisted: false });
    expect(error.message).toMatch(/SPARK_API_KEY.*SPARK_API_SECRET/);
  });

  it("points to the clock if the gateway responds with 403, with the difference if the response has a date", () => {
    const body = { message: "HMAC signature cannot be verified, a valid date or x-date header is required" };
    const error = classifySparkResponse(answer(403, body), NOW);
    expect(error).toMatchObject({ kind: "auth", status: 403, isUnlisted: false });
    expect(error.message).toMatch(/clock.*300 s/);
    const date = new Date(NOW + 600_000).toUTCString();
    expect(classifySparkResponse(answer(403, body, { date }), NOW).message).toContain("is 600 s behind");
    const past = new Date(NOW - 600_000).toUTCString();
    expect(classifySparkResponse(answer(403, body, { date: past }), NOW).message).toContain("is 600 s ahead");
  });

  it.each([
    ["flat", { code: 10012, message: "EngineInternalError" }, "server", "10012"],
    ["flat, as text", { code: "11202", msg: "AppIdQpsOverFlowError" }, "throttled", "11202"],
    ["in error, as text", { error: { message: "AppIdNoAuthError", code: "11200" } }, "auth", "11200"],
    ["in a header", { header: { code: 10907, message: "tokens", sid: "a" } }, "too-long", "10907"],
  ])("prefers the code to the status: %s", (_, body, kind, code) => {
    for (const status of [200, 400, 500])
      expect(classifySparkResponse(answer(status, body), NOW)).toMatchObject({ kind, code, status });
    const { providerMessage } = classifySparkResponse(answer(400, body), NOW);
    expect(JSON.stringify(body)).toContain(providerMessage);
    expect(providerMessage).not.toBe("");
  });

  it.each([
    [400, "invalid_request_error", "invalid-request"],
    [429, "invalid_request_error", "throttled"],
    [200, "rate_limit_error", "throttled"],
  ])("reads HTTP %d with the type %s as %s", (status, type, kind) => {
    expect(classifySparkResponse(answer(status, { error: { type, message: "?", code: null } }), NOW).kind).toBe(kind);
  });

  it("names the password to check if the HTTP endpoint does not know the user", () => {
    const body = { error: { message: "invalid user", type: "api_error", param: null, code: null } };
    const error = classifySparkResponse(answer(401, body), NOW);
    expect(error.kind).toBe("auth");
    expect(error.message).toContain("SPARK_API_PASSWORD");
  });

  it.each([
    [302, "auth"],
    [404, "auth"],
    [429, "throttled"],
    [500, "server"],
    [502, "server"],
    [503, "overloaded"],
    [504, "timeout"],
  ])("uses status %d if the body contains no error", (status, kind) => {
    expect(classifySparkResponse(answer(status, "<html>secret</html>"), NOW)).toMatchObject({
      kind,
      isUnlisted: true,
    });
  });

  it.each(["", "<html>secret</html>", "[]", '{"a":1}', '{"code":0}', "null"])(
    "reports a 200 of %j as a bad response without quoting it",
    (body) => {
      const error = classifySparkResponse(answer(200, body), NOW);
      expect(error.kind).toBe("bad-response");
      expect(error.message).not.toContain("secret");
    },
  );

  it("returns the retry delay and the request ID", () => {
    const headers = { "retry-after": "7" };
    expect(classifySparkResponse(answer(429, { code: 11202, sid: "s1" }, headers), NOW)).toMatchObject({
      retryAfterMs: 7000,
      requestId: "s1",
    });
    expect(classifySparkResponse(answer(200, { code: 10012, Sid: "s\u001b[1m" }), NOW).requestId).toBeUndefined();
  });
});
