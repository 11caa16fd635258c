import { describe, expect, it } from "vitest";
import { PROVIDER_ERROR_KINDS, type ProviderError } from "#src/core/failures/errors.ts";
import { decodeMinimaxEmbedding, encodeMinimaxEmbedding } from "#src/providers/minimax/embedding-codec.ts";
import { MINIMAX_CODES } from "#src/providers/minimax/profile.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";

const NOW = Date.UTC(2026, 10, 21);

function response(body: unknown, overrides: Partial<HttpResponse> = {}): HttpResponse {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: Buffer.from(text),
    ...overrides,
  };
}

function decode(answer: HttpResponse, count = 2) {
  return decodeMinimaxEmbedding(answer, { count, dimensions: 3 }, NOW);
}

function failure(answer: HttpResponse): ProviderError {
  try {
    decode(answer);
  } catch (error) {
    return error as ProviderError;
  }
  throw new Error("the answer was accepted");
}

const ok = { status_code: 0, status_msg: "success" };
const errorResponse = (status_code: unknown) =>
  response({ vectors: null, total_tokens: 0, base_resp: { status_code, status_msg: "PROMPT sk-secret" } });

describe("encoding an embedding request", () => {
  it("embeds for storage by default", () => {
    expect(encodeMinimaxEmbedding("embo-01", { inputs: ["a", "古诗"] })).toMatchInlineSnapshot(
      `"{"model":"embo-01","texts":["a","古诗"],"type":"db"}"`,
    );
    expect(JSON.parse(encodeMinimaxEmbedding("embo-01", { inputs: ["a"], purpose: "query" })).type).toBe("query");
  });
});

describe("decoding an embedding response", () => {
  it("returns the vectors in one array, the usage and the request ID", () => {
    const body = {
      vectors: [
        [1, 2, 3],
        [4, 5, 6.5],
      ],
      total_tokens: 9,
      base_resp: ok,
    };
    const headers = { "content-type": "application/json", "trace-id": "0a1b2c" };
    expect(decode(response(body, { headers }))).toEqual({
      vectors: Float32Array.from([1, 2, 3, 4, 5, 6.5]),
      dimensions: 3,
      usage: { totalTokens: 9 },
      requestId: "0a1b2c",
    });
  });

  it("reports missing usage as undefined, not as zero", () => {
    expect(
      decode(
        response({
          vectors: [
            [1, 2, 3],
            [4, 5, 6],
          ],
          base_resp: ok,
        }),
      ).usage,
    ).toEqual({});
    expect(
      decode(
        response({
          vectors: [
            [1, 2, 3],
            [4, 5, 6],
          ],
          total_tokens: "9",
        }),
      ).usage,
    ).toEqual({});
  });

  const rows: [number, string, string | undefined][] = [
    [1000, "server", undefined],
    [1001, "timeout", undefined],
    [1002, "throttled", "requests"],
    [1004, "auth", undefined],
    [1008, "quota", undefined],
    [1013, "server", undefined],
    [1024, "server", undefined],
    [1026, "content-filter", undefined],
    [1027, "content-filter", undefined],
    [1033, "server", undefined],
    [1039, "throttled", "tokens"],
    [1041, "throttled", "concurrency"],
    [1042, "invalid-request", undefined],
    [2013, "invalid-request", undefined],
    [2044, "auth", undefined],
    [2045, "throttled", "requests"],
    [2049, "auth", undefined],
    [2056, "quota", undefined],
    [2061, "quota", undefined],
  ];

  it.each(rows)("classifies code %d in a response with status 200 as %s (%s)", (code, kind, dimension) => {
    const error = failure(errorResponse(code));
    expect(error).toMatchObject({ kind, dimension, code: String(code), status: 200, isUnlisted: false });
    expect(error.message).toContain(`code ${code}`);
    expect(error.message).not.toMatch(/PROMPT|secret/);
    expect(PROVIDER_ERROR_KINDS).toContain(error.kind);
  });

  it("tests every row of the table", () => {
    expect(rows.map(([code]) => code)).toEqual(Object.keys(MINIMAX_CODES).map(Number));
  });

  it("names the variables to check if the credentials are rejected", () => {
    expect(failure(errorResponse(1004)).message).toMatch(/MINIMAX_API_KEY.*MINIMAX_GROUP_ID.*MINIMAX_BASE_URL/);
  });

  it("accepts a code that is a string", () => {
    expect(failure(errorResponse("1002")).kind).toBe("throttled");
  });

  it("marks an unknown code as unlisted", () => {
    expect(failure(errorResponse(9999))).toMatchObject({ kind: "server", code: "9999", isUnlisted: true });
  });

  it("ignores vectors in a response that reports an error", () => {
    const body = {
      vectors: [
        [1, 2, 3],
        [4, 5, 6],
      ],
      base_resp: { status_code: 1002 },
    };
    expect(failure(response(body)).kind).toBe("throttled");
  });

  it.each([
    [
      "base_resp without a code",
      {
        vectors: [
          [1, 2, 3],
          [4, 5, 6],
        ],
        base_resp: {},
      },
    ],
    [
      "base_resp that is text",
      {
        vectors: [
          [1, 2, 3],
          [4, 5, 6],
        ],
        base_resp: "ok",
      },
    ],
    ["success without vectors", { base_resp: ok }],
    ["success with null vectors", { vectors: null, base_resp: ok }],
    ["success with fewer vectors", { vectors: [[1, 2, 3]], base_resp: ok }],
    [
      "success with shorter vectors",
      {
        vectors: [
          [1, 2],
          [4, 5],
        ],
        base_resp: ok,
      },
    ],
    [
      "success with ragged vectors",
      {
        vectors: [
          [1, 2, 3],
          [4, 5],
        ],
        base_resp: ok,
      },
    ],
    [
      "success with a zero vector",
      {
        vectors: [
          [1, 2, 3],
          [0, 0, 0],
        ],
        base_resp: ok,
      },
    ],
    [
      "success with null inside",
      {
        vectors: [
          [1, 2, 3],
          [4, null, 6],
        ],
        base_resp: ok,
      },
    ],
    ["success with an enormous value", '{"vectors":[[1,2,3],[1e60,5,6]],"base_resp":{"status_code":0}}'],
    ["an OpenAI-shaped answer", { object: "list", data: [] }],
    ["an empty body", ""],
    ["an HTML page", "<html><body>sign in</body></html>"],
    ["an event stream", 'data: {"vectors":[[1,2,3]]}\n\n'],
    ["a truncated body", '{"vectors":[[1,2,3],[4,5'],
    ["an array", "[]"],
  ])("rejects %s", (_, body) => {
    const error = failure(response(body));
    expect(error.kind).toBe("bad-response");
    expect(error.message).not.toMatch(/sign in|list/);
  });

  it("names size and content type of a body that is not JSON", () => {
    const headers = { "content-type": "text/html; charset=utf-8" };
    expect(failure(response("<html>", { headers })).message).toBe(
      "the response is not a complete JSON object (6 bytes, text/html)",
    );
  });

  it.each([
    [401, "auth"],
    [404, "auth"],
    [413, "too-long"],
    [429, "throttled"],
    [500, "server"],
    [502, "server"],
    [503, "overloaded"],
    [504, "timeout"],
    [302, "auth"],
  ])("uses status %d if the body contains no error", (status, kind) => {
    const error = failure(response("<html>", { status }));
    expect(error).toMatchObject({ kind, status, isUnlisted: true });
    expect(error.message).toContain(`HTTP ${status}`);
  });

  it("prefers the code in the body to the status", () => {
    expect(failure({ ...errorResponse(1008), status: 429 })).toMatchObject({
      kind: "quota",
      code: "1008",
      status: 429,
    });
    const shaped = { type: "error", error: { type: "rate_limit_error", message: "usage exceeded (2056)" } };
    expect(failure(response(shaped, { status: 429 }))).toMatchObject({ kind: "quota", code: "2056" });
  });

  it("returns the retry delay", () => {
    const headers = { "content-type": "application/json", "retry-after": "12" };
    expect(failure({ ...errorResponse(1002), headers }).retryAfterMs).toBe(12_000);
    expect(failure(response("", { status: 429, headers })).retryAfterMs).toBe(12_000);
  });

  it("does not return a request ID with suspicious characters", () => {
    const headers = { "content-type": "application/json", "trace-id": "a b\u001b[31m" };
    expect(failure({ ...errorResponse(1002), headers }).requestId).toBeUndefined();
  });
});
