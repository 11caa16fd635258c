import { describe, expect, it } from "vitest";
import { classifyZhipuResponse } from "#src/providers/zhipu/classify-error.ts";
import { ZHIPU_CODES } from "#src/providers/zhipu/profile.ts";

function classify(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return classifyZhipuResponse({ status, headers, body: Buffer.from(text) }, 0);
}

describe("Zhipu's errors", () => {
  const rows: [code: string, status: number, kind: string, dimension?: string][] = [
    ["500", 500, "server"],
    ["1000", 401, "auth"],
    ["1001", 401, "auth"],
    ["1002", 401, "auth"],
    ["1003", 401, "auth"],
    ["1004", 401, "auth"],
    ["1005", 401, "auth"],
    ["1100", 403, "server"],
    ["1110", 403, "auth"],
    ["1111", 403, "auth"],
    ["1112", 403, "auth"],
    ["1113", 429, "quota"],
    ["1120", 403, "overloaded"],
    ["1121", 403, "auth"],
    ["1200", 500, "server"],
    ["1210", 400, "invalid-request"],
    ["1211", 400, "auth"],
    ["1212", 400, "invalid-request"],
    ["1213", 400, "invalid-request"],
    ["1214", 400, "invalid-request"],
    ["1215", 400, "invalid-request"],
    ["1220", 403, "auth"],
    ["1221", 403, "auth"],
    ["1222", 403, "auth"],
    ["1230", 500, "server"],
    ["1231", 400, "invalid-request"],
    ["1233", 400, "invalid-request"],
    ["1234", 500, "server"],
    ["1261", 400, "too-long"],
    ["1300", 400, "content-filter"],
    ["1301", 400, "content-filter"],
    ["1302", 429, "throttled", "concurrency"],
    ["1303", 429, "throttled", "requests"],
    ["1304", 429, "quota"],
    ["1305", 429, "overloaded"],
    ["1308", 429, "quota"],
    ["1309", 429, "quota"],
    ["1310", 429, "quota"],
    ["1311", 429, "quota"],
    ["1312", 429, "overloaded"],
    ["1313", 429, "throttled"],
    ...["1314", "1315", "1316", "1317", "1318", "1319", "1320", "1321"].map((code): [string, number, string] => [
      code,
      429,
      "quota",
    ]),
  ];

  it.each(rows)("%s with HTTP %d is %s", (code, status, kind, dimension) => {
    const body = { error: { code, message: "提示 PROMPT sk-secret" } };
    // The code takes precedence over the status.
    for (const each of [status, 200, 429, 500]) {
      const error = classify(each, body);
      expect(error).toMatchObject({
        kind,
        code,
        status: each,
        dimension,
        isUnlisted: false,
        provider: "zhipu",
      });
      expect(error.providerMessage).toBe("提示 PROMPT sk-secret");
      expect(error.message).toContain(`code ${code}`);
      expect(error.message).not.toMatch(/PROMPT|secret/);
    }
  });

  it("tests every row of the table", () => {
    expect(rows.map(([code]) => code).toSorted()).toEqual(Object.keys(ZHIPU_CODES).toSorted());
  });

  it.each([
    ["numbers", { error: { code: 1302 } }, "throttled"],
    ["the flat form of older interfaces", { code: 1000, msg: "x", success: false }, "auth"],
    ["words", { error: { code: "insufficient_quota" } }, "quota"],
    ["words for too much text", { error: { code: "context_length_exceeded" } }, "too-long"],
  ])("reads codes as %s", (_, body, kind) => {
    expect(classify(200, body).kind).toBe(kind);
  });

  it.each([
    ["invalid_request_error", 401, "auth"],
    ["invalid_request_error", 429, "throttled"],
    ["invalid_request_error", 400, "invalid-request"],
    ["rate_limit_error", 200, "throttled"],
    ["authentication_error", 200, "auth"],
  ])("reads the type %s with HTTP %d as %s", (type, status, kind) => {
    expect(classify(status, { error: { type, message: "?" } }).kind).toBe(kind);
  });

  it("recognizes an unknown model behind a general code", () => {
    expect(classify(400, { error: { code: "1210", message: "[logID=1] 模型名称错误" } }).kind).toBe("auth");
  });

  it("uses the status if there is no known code, and states that", () => {
    expect(classify(429, { error: { code: "9999" } })).toMatchObject({
      kind: "throttled",
      isUnlisted: true,
      code: "9999",
    });
    expect(classify(200, { error: { code: "9999" } })).toMatchObject({ kind: "server", isUnlisted: true });
    expect(classify(434, {})).toMatchObject({ kind: "auth", isUnlisted: true });
    expect(classify(502, "<html>")).toMatchObject({ kind: "server", isUnlisted: true });
    expect(classify(413, "")).toMatchObject({ kind: "too-long", isSplittable: true });
  });

  it.each([
    ["", "empty"],
    ["<html>", "not a complete JSON object"],
    ['{"choices":[]}', "does not contain a result"],
  ])("reports a response with status 200 and %j as a bad response", (body, words) => {
    const error = classify(200, body);
    expect(error.kind).toBe("bad-response");
    expect(error.message).toContain(words);
  });

  it("keeps the request ID and the retry delay", () => {
    const body = { error: { code: "1302" }, request_id: "20250101" };
    expect(classify(429, body, { "retry-after": "3" })).toMatchObject({
      requestId: "20250101",
      retryAfterMs: 3000,
    });
  });
});
