import { describe, expect, it } from "vitest";
import { signAuthorization, signUrl } from "#src/providers/spark/sign-request.ts";
import { SignedEndpoint } from "#src/providers/spark/signed-endpoint.ts";

const credentials = {
  apiKey: "0123456789abcdef0123456789abcdef",
  apiSecret: "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345",
};
const date = "Wed, 01 Jan 2025 00:00:00 GMT";
const now = Date.UTC(2025, 0, 1);
const host = "spark-api.xf-yun.com";

const V35 =
  "YXBpX2tleT0iMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYiLCBhbGdvcml0aG09ImhtYWMtc2hhMjU2IiwgaGVhZGVycz0iaG9zdCBkYXRlIHJlcXVlc3QtbGluZSIsIHNpZ25hdHVyZT0iSmhSS2x3NUluSXZrYWVlNHlONWVINnozQi9lbkdtU0V4NFc1aTE0QmFQUT0i";

function signatureOf(authorization: string): string | undefined {
  return /signature="([^"]+)"$/.exec(Buffer.from(authorization, "base64").toString())?.[1];
}

describe("signAuthorization", () => {
  it.each([
    ["GET", host, "/v1.1/chat", "zGs0QTQkdppM4R5A0M81MeWoanjeyD7ipwpA5z9GpF8="],
    ["GET", host, "/v3.1/chat", "3e7VH4I72HBq9EXId+JL+dUrlCDVfghKnN9ZYcbDMk0="],
    ["GET", host, "/v3.5/chat", "JhRKlw5InIvkaee4yN5eH6z3B/enGmSEx4W5i14BaPQ="],
    ["GET", host, "/v4.0/chat", "1gJ9GWvHYrI0Cmr2uTuIj5dRMYzq29TQclG58cipAPw="],
    ["GET", host, "/chat/pro-128k", "NX0JfAoIwZaFchWYykDAym/W1mIaz4sXKVgTdumALK8="],
    ["GET", host, "/chat/max-32k", "lFpj9gIk+6+CPtlrDqIYldQM+9di4qZoB3vwSgF1MZE="],
    ["POST", "emb-cn-huabei-1.xf-yun.com", "/", "jMd3EvBuKwE+F6Op6ReiEaitY93sikVMIVyTP+ZRHPQ="],
    ["POST", "cn-huabei-1.xf-yun.com", "/v1/private/sa8a05c27", "bYnhq7jpsa2wgmDxYcgDCvNSxmFFDBTpd1DFyomWuaw="],
    ["POST", "cn-huabei-1.xf-yun.com", "/v1/private/s50d55a16", "NrNQEsGQPpghAt/5iPo6a3ZXwCMPyq+e9BcNyof1m3Q="],
  ] as const)("signs %s %s%s", (method, signedHost, path, signature) => {
    const authorization = signAuthorization({ method, host: signedHost, path }, date, credentials);
    expect(signatureOf(authorization)).toBe(signature);
  });

  it("encodes key, algorithm, headers and signature as the provider requires", () => {
    expect(signAuthorization({ method: "GET", host, path: "/v3.5/chat" }, date, credentials)).toBe(V35);
  });
});

describe("signUrl", () => {
  const endpoint = new SignedEndpoint("GET", `wss://${host}`, "/v3.5/chat", `wss://${host}`);
  const signed = signUrl(endpoint.url, endpoint.targets[0]!, credentials, now);

  it("adds authorization, host and date to the query, percent-encoded", () => {
    expect(signed.href).toBe(
      `wss://spark-api.xf-yun.com/v3.5/chat?authorization=${V35}&host=spark-api.xf-yun.com&date=Wed%2C%2001%20Jan%202025%2000%3A00%3A00%20GMT`,
    );
  });

  it("is equivalent to a form-encoded query", () => {
    const form = new URLSearchParams({ authorization: V35, date, host });
    expect(form.toString()).toBe(
      `authorization=${V35}&date=Wed%2C+01+Jan+2025+00%3A00%3A00+GMT&host=spark-api.xf-yun.com`,
    );
    expect(Object.fromEntries(signed.searchParams)).toEqual(Object.fromEntries(form));
  });
});

describe("SignedEndpoint", () => {
  const official = "wss://spark-api.xf-yun.com";

  it("signs for the URL itself if no prefix precedes the provider's path", () => {
    const endpoint = new SignedEndpoint("GET", "ws://127.0.0.1:81/", "/v1.1/chat", official);
    expect(endpoint.url.href).toBe("ws://127.0.0.1:81/v1.1/chat");
    expect(endpoint.targets).toEqual([{ method: "GET", host: "127.0.0.1:81", path: "/v1.1/chat" }]);
  });

  it("tries the three ways in which a proxy may forward the call, and keeps the one that works", () => {
    const endpoint = new SignedEndpoint("GET", "wss://proxy.example/spark", "/v1.1/chat", official);
    expect(endpoint.url.href).toBe("wss://proxy.example/spark/v1.1/chat");
    const targets = endpoint.targets;
    expect(targets).toEqual([
      { method: "GET", host: "proxy.example", path: "/spark/v1.1/chat" },
      { method: "GET", host: "proxy.example", path: "/v1.1/chat" },
      { method: "GET", host: "spark-api.xf-yun.com", path: "/v1.1/chat" },
    ]);
    endpoint.confirm(targets[1]!);
    expect(endpoint.targets).toEqual([targets[1]]);
  });

  it("keeps the slash of a URL without a path", () => {
    const endpoint = new SignedEndpoint("POST", "https://emb.example", "/", "https://emb.example");
    expect(endpoint.targets).toEqual([{ method: "POST", host: "emb.example", path: "/" }]);
  });
});
