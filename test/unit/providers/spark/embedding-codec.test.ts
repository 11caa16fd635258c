import { describe, expect, it } from "vitest";
import type { ProviderError } from "#src/core/failures/errors.ts";
import {
  decodeFloats,
  decodeSparkEmbedding,
  encodeSparkEmbedding,
  encodeText,
} from "#src/providers/spark/embedding-codec.ts";
import { SPARK_EMBEDDING_SERVICES } from "#src/providers/spark/profile.ts";

const NOW = Date.UTC(2026, 10, 21);
const [older, newer] = SPARK_EMBEDDING_SERVICES;
const caller = { appId: "a1b2c3d4", uid: "u1" };

function decode(body: unknown, dimensions = 4, status = 200) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return decodeSparkEmbedding({ status, headers: {}, body: Buffer.from(text) }, dimensions, NOW);
}

function failure(body: unknown, status = 200): ProviderError {
  try {
    decode(body, 4, status);
  } catch (error) {
    return error as ProviderError;
  }
  throw new Error("the answer was accepted");
}

const success = (text: unknown) => ({
  header: { code: 0, message: "success", sid: "ase1@dx" },
  payload: { feature: { text } },
});

describe("encoding an embedding request", () => {
  it("encodes the text as a conversation in base64", () => {
    expect(encodeText("hello")).toBe("eyJtZXNzYWdlcyI6W3siY29udGVudCI6ImhlbGxvIiwicm9sZSI6InVzZXIifV19");
  });

  it("sends the purpose as domain, or leaves it to the path", () => {
    const domain = (service: typeof older, purpose: "db" | "query") =>
      JSON.parse(encodeSparkEmbedding(service!, "hello", purpose, caller)).parameter.emb.domain;
    expect(domain(older, "db")).toBe("para");
    expect(domain(older, "query")).toBe("query");
    expect(domain(newer, "db")).toBeUndefined();
  });

  it("builds the complete body", () => {
    expect(JSON.parse(encodeSparkEmbedding(older!, "hello", "db", caller))).toEqual({
      header: { app_id: "a1b2c3d4", uid: "u1", status: 3 },
      parameter: {
        emb: { domain: "para", feature: { encoding: "utf8", compress: "raw", format: "plain" } },
      },
      payload: {
        messages: {
          encoding: "utf8",
          compress: "raw",
          format: "json",
          status: 3,
          text: "eyJtZXNzYWdlcyI6W3siY29udGVudCI6ImhlbGxvIiwicm9sZSI6InVzZXIifV19",
        },
      },
    });
  });
});

describe("decodeFloats", () => {
  it("reads little-endian float32", () => {
    expect(decodeFloats("AAAAPwAAgL8AAIA+2w9JQA==")).toEqual(Float32Array.from([0.5, -1, 0.25, 3.1415927410125732]));
  });

  it("accepts 2560 dimensions", () => {
    const text = Buffer.alloc(10_240, 1).toString("base64");
    expect(text).toHaveLength(13_656);
    expect(decodeFloats(text)).toHaveLength(2560);
  });

  it.each([
    ["nothing", ""],
    ["half a float", Buffer.alloc(6).toString("base64")],
    ["a cut", "AAAAPwAAgL8AAIA+2w9JQA="],
    ["other characters", "AAAAPwAAgL8AAIA!2w9JQA=="],
    ["padding in the middle", "AAAA==AAAA=="],
    ["a blank", "AAAA PwA"],
  ])("rejects %s", (_, text) => {
    expect(decodeFloats(text)).toBeUndefined();
  });
});

describe("decoding an embedding response", () => {
  const vector = "AAAAPwAAgL8AAIA+2w9JQA==";

  it("returns one vector and the session ID", () => {
    expect(decode(success(vector))).toEqual({
      vectors: Float32Array.from([0.5, -1, 0.25, 3.1415927410125732]),
      dimensions: 4,
      usage: {},
      requestId: "ase1@dx",
    });
  });

  it.each([
    ["the code of a failure beside a vector", { ...success(vector), header: { code: 11202 } }, "throttled"],
    ["a code alone", { header: { code: 10907, message: "m", sid: "s" } }, "too-long"],
    ["no header", { payload: { feature: { text: vector } } }, "bad-response"],
    ["no vector", success(undefined), "bad-response"],
    ["an empty vector", success(""), "bad-response"],
    ["numbers", success([1, 2, 3, 4]), "bad-response"],
    ["too few dimensions", success("AAAAPw=="), "bad-response"],
    ["zeros alone", success(Buffer.alloc(16).toString("base64")), "bad-response"],
    ["a value that is no number", success(Buffer.alloc(16, 0xff).toString("base64")), "bad-response"],
    ["a cut", JSON.stringify(success(vector)).slice(0, -3), "bad-response"],
    ["nothing", "", "bad-response"],
    ["a page", "<html>", "bad-response"],
  ])("rejects %s", (_, body, kind) => {
    expect(failure(body).kind).toBe(kind);
  });

  it("never accepts a truncated response", () => {
    const whole = JSON.stringify(success(vector));
    for (let length = 0; length < whole.length; length++)
      expect(failure(whole.slice(0, length)).kind).toBe("bad-response");
  });

  it("classifies errors of the gateway", () => {
    expect(failure({ message: "HMAC signature does not match" }, 401).kind).toBe("auth");
    expect(failure({ message: "HMAC signature cannot be verified" }, 403).message).toContain("clock");
  });
});
