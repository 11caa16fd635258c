import { describe, expect, it } from "vitest";
import { isProxyBypassed } from "#src/providers/transport/tunnel-agent.ts";

describe("hosts without a proxy", () => {
  it.each([
    ["example.com", 443, "example.com"],
    ["api.example.com", 443, "example.com"],
    ["api.example.com", 443, ".example.com, other"],
    ["api.example.com", 443, "other *.example.com"],
    ["API.Example.com", 443, "example.COM"],
    ["example.com", 8443, "example.com:8443"],
    ["127.0.0.1", 1, "localhost,127.0.0.1"],
    ["anything", 443, "*"],
  ])("are %s:%d for %j", (host, port, list) => {
    expect(isProxyBypassed(host, port, list)).toBe(true);
  });

  it.each([
    ["example.com", 443, ""],
    ["badexample.com", 443, "example.com"],
    ["example.com.evil", 443, "example.com"],
    ["example.com", 443, "example.com:8443"],
    ["example.com", 443, "api.example.com"],
  ])("are not %s:%d for %j", (host, port, list) => {
    expect(isProxyBypassed(host, port, list)).toBe(false);
  });
});
