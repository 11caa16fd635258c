import { errors } from "undici";
import { describe, expect, it } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import { classifyStatus } from "#src/providers/transport/classify-status.ts";
import { describeTransportError, isCertificateErrorCode } from "#src/providers/transport/transport-error.ts";

function systemError(code: string, cause?: unknown): Error {
  return Object.assign(new Error("sent Bearer sk-secret to host", { cause }), { code });
}

describe("describeTransportError", () => {
  it.each([
    ["UND_ERR_CONNECT_TIMEOUT", "timeout"],
    ["UND_ERR_HEADERS_TIMEOUT", "timeout"],
    ["UND_ERR_BODY_TIMEOUT", "timeout"],
    ["ETIMEDOUT", "timeout"],
    ["ECONNREFUSED", "network"],
    ["ECONNRESET", "network"],
    ["EPIPE", "network"],
    ["UND_ERR_SOCKET", "network"],
    ["ENOTFOUND", "network"],
    ["EAI_AGAIN", "network"],
    ["EWHATEVER", "network"],
    ["CERT_HAS_EXPIRED", "network"],
    ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "bad-response"],
    ["UND_ERR_DESTROYED", "aborted"],
  ])("maps %s to %s and keeps the code", (code, kind) => {
    const error = describeTransportError(systemError(code), "minimax");
    expect(error).toMatchObject({ kind, code, provider: "minimax" });
    expect(error.message).toContain(code);
    expect(error.message).not.toContain("secret");
  });

  it("returns its own errors unchanged, and accepts values that are not errors", () => {
    const own = new ProviderError("x", { kind: "timeout", provider: "minimax" });
    expect(describeTransportError(own, "minimax")).toBe(own);
    expect(describeTransportError("boom", "minimax").kind).toBe("network");
    expect(describeTransportError(undefined, "minimax").kind).toBe("network");
  });

  it("reports a certificate problem that is wrapped in another error", () => {
    const error = describeTransportError(
      systemError("UND_ERR_SOCKET", systemError("DEPTH_ZERO_SELF_SIGNED_CERT")),
      "minimax",
    );
    expect(isCertificateErrorCode(error.code)).toBe(true);
    expect(error.message).toContain("certificate was rejected (DEPTH_ZERO_SELF_SIGNED_CERT)");
  });

  it("reports a response that the HTTP parser rejects as a bad response", () => {
    const error = describeTransportError(new errors.HTTPParserError("secret"), "minimax");
    expect(error).toMatchObject({
      kind: "bad-response",
      message: "the response is not valid HTTP: check the base URL",
    });
  });

  it("reports a proxy that rejects the tunnel", () => {
    const error = describeTransportError(new Error("Proxy response (407) !== 200 when HTTP Tunneling"), "m");
    expect(error).toMatchObject({ kind: "network", code: "PROXY_REFUSED" });
  });
});

describe("isCertificateErrorCode", () => {
  it.each([
    "CERT_HAS_EXPIRED",
    "CERT_NOT_YET_VALID",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "ERR_TLS_CERT_ALTNAME_INVALID",
  ])("accepts %s", (code) => expect(isCertificateErrorCode(code)).toBe(true));

  it.each(["ECONNRESET", "UND_ERR_SOCKET", undefined])("rejects %s", (code) =>
    expect(isCertificateErrorCode(code)).toBe(false),
  );
});

describe("classifyStatus", () => {
  it.each([
    [302, "auth"],
    [400, "invalid-request"],
    [401, "auth"],
    [402, "quota"],
    [403, "auth"],
    [404, "auth"],
    [408, "timeout"],
    [409, "server"],
    [413, "too-long"],
    [418, "invalid-request"],
    [425, "server"],
    [429, "throttled"],
    [500, "server"],
    [502, "server"],
    [503, "overloaded"],
    [504, "timeout"],
    [529, "overloaded"],
    [599, "server"],
    [204, "bad-response"],
  ])("classifies %d as %s", (status, kind) => expect(classifyStatus(status).kind).toBe(kind));

  it("marks a request that is too large as splittable", () => expect(classifyStatus(413).isSplittable).toBe(true));
});
