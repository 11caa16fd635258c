import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import { classifyRerankResponse, RERANK_PROFILES } from "#src/providers/rerank/profiles.ts";
import { decodeRerank, encodeRerank, type RerankDialect } from "#src/providers/rerank/rerank-codec.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";

const [COHERE] = RERANK_PROFILES;
if (!COHERE) throw new Error("no profile");

const dialect = (form: RerankDialect["form"]): RerankDialect => ({
  provider: "cohere",
  form,
  classify: (response, now) => classifyRerankResponse(response, now, COHERE),
});
const respond = (body: unknown, status = 200, headers = {}): HttpResponse => ({
  status,
  headers,
  body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
});
const decode = (response: HttpResponse, count: number, form: RerankDialect["form"] = "shared") =>
  decodeRerank(response, count, 0, dialect(form));

function kindOf(response: HttpResponse, count = 1): string {
  try {
    decode(response, count);
    return "ok";
  } catch (error) {
    if (error instanceof ProviderError) return error.kind;
    throw error;
  }
}

describe("encodeRerank", () => {
  const request = { query: "q", documents: ["a", "b"] };

  it("writes the names of each protocol", () => {
    expect(JSON.parse(encodeRerank("m", request, dialect("shared"), 2))).toEqual({
      ...{ model: "m", query: "q", documents: ["a", "b"] },
    });
    const tei = { ...dialect("tei"), fields: { truncate: true } };
    expect(JSON.parse(encodeRerank("m", request, tei, 2))).toEqual({ query: "q", texts: ["a", "b"], truncate: true });
  });

  it("rejects more documents than a call takes, and none", () => {
    expect(() => encodeRerank("m", request, dialect("shared"), 1)).toThrow("1 to 1 documents, not 2");
    expect(() => encodeRerank("m", { ...request, documents: [] }, dialect("shared"), 1)).toThrow("not 0");
  });
});

describe("decodeRerank", () => {
  const results = [
    { index: 1, relevance_score: 0.25, document: { text: "b" }, x: 1 },
    { index: 0, relevance_score: 0.5 },
  ];

  it("sorts the results, and keeps unknown fields", () => {
    const meta = { billed_units: { search_units: 3 } };
    expect(decode(respond({ id: "r", results, meta, y: null }), 2)).toEqual({
      results: [
        { index: 0, score: 0.5 },
        { index: 1, score: 0.25, extra: { x: 1 } },
      ],
      usage: { totalTokens: 3 },
      extra: { id: "r", meta, y: null },
    });
  });

  it("reads tokens from the usage, and from TEI's header", () => {
    expect(decode(respond({ results, usage: { total_tokens: 7 } }), 2).usage).toEqual({ totalTokens: 7 });
    const list = [{ index: 0, score: 0.5, text: "a" }];
    expect(decode(respond(list, 200, { "x-compute-tokens": "9" }), 1, "tei")).toEqual({
      results: [{ index: 0, score: 0.5 }],
      usage: { totalTokens: 9 },
    });
  });

  it.each([
    ["a missing document", [{ index: 0, relevance_score: 1 }]],
    ["a repeated document", [results[0], results[0]]],
    ["an unknown document", [results[0], { index: 2, relevance_score: 1 }]],
    ["a score that is no number", [results[0], { index: 0, relevance_score: null }]],
    ["a further document", [...results, results[0]]],
  ])("rejects %s", (_, list) => {
    expect(kindOf(respond({ results: list }), 2)).toBe("bad-response");
  });

  it.each([
    [401, { message: "invalid api token" }, "auth"],
    [402, { message: "Please add a payment method" }, "quota"],
    [404, { message: "model 'x' not found" }, "auth"],
    [422, { detail: "query is missing" }, "invalid-request"],
    [429, { message: "You are using a Trial key, which is limited to 10 API calls / minute." }, "throttled"],
    [429, { message: "You are using a Trial key, which is limited to 1000 API calls / month." }, "quota"],
    [500, { message: "internal server error" }, "server"],
    [200, { results: "none" }, "bad-response"],
    [200, "<html>", "bad-response"],
    [200, "", "bad-response"],
  ] as const)("classifies %s %j as %s", (status, body, kind) => {
    expect(kindOf(respond(body, status))).toBe(kind);
  });

  it("never turns other JSON into results", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom("shared" as const, "tei" as const), (body, form) => {
        expect(() => decode(respond(body), 3, form)).toThrow(ProviderError);
      }),
    );
  });

  it("returns every document once, in the order of the scores, whatever order they come in", () => {
    const scores = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(scores, fc.infiniteStream(fc.nat()), (list, order) => {
        const body = list
          .map((score, index) => ({ key: order.next().value ?? 0, value: { index, relevance_score: score } }))
          .sort((a, b) => a.key - b.key)
          .map(({ value }) => value);
        const found = decode(respond({ results: body }), list.length).results;
        expect(found.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual([...list.keys()]);
        for (const [i, { score }] of found.entries()) expect(score).toBeLessThanOrEqual(found[i - 1]?.score ?? score);
      }),
    );
  });
});
