import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import { redactProviderText } from "#src/core/failures/provider-text.ts";

const redact = (providerMessage: string, request: unknown = {}, param?: string) =>
  redactProviderText(
    new ProviderError("ours", { kind: "invalid-request", provider: "fake", code: "c", providerMessage, param }),
    request,
  );

describe("redactProviderText", () => {
  it("keeps the provider's message and param, and everything else of the error", () => {
    const error = redact("max_tokens must be at most 8192 for model gpt-4o-2024-08-06", {}, "max_tokens");
    expect(error).toMatchObject({ message: "ours", kind: "invalid-request", provider: "fake", code: "c" });
    expect(error.providerMessage).toBe("max_tokens must be at most 8192 for model gpt-4o-2024-08-06");
    expect(error.param).toBe("max_tokens");
  });

  it.each([
    "Invalid URL (POST /v1/v1/chat/completions)",
    "unknown model deepseek-ai/DeepSeek-V3.1-Terminus",
    "see https://platform.openai.com/docs/guides/error-codes",
    "the key `response_format.json_schema` is not supported",
  ])("keeps paths and names: %s", (text) => {
    expect(redact(text).providerMessage).toBe(text);
  });

  it("limits the length to 500 characters", () => {
    expect(redact("很长 ".repeat(1_000)).providerMessage?.length).toBeLessThanOrEqual(500);
    expect(redact("ok", {}, "p ".repeat(1_000)).param?.length).toBeLessThanOrEqual(500);
  });

  it("removes control characters and marks of direction", () => {
    expect(redact("a\u001b[31mb\u0000c\r\nd\u202ee\u200bf").providerMessage).toBe("a [31mb c d e f");
  });

  it.each([
    "sk-proj-abcdefghijkl",
    "sk-x",
    "Bearer abc.def",
    "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2lnbmF0dXJl",
    "AIzaSyA-1234567890_abcdefghijklmnopqrst",
    "0123456789abcdef0123456789abcdef.FakeSecret123456",
    "4b1a3c5d-1111-2222-3333-444455556666",
    "gsk_abc123",
    "bPxRfiCYEX/AMPLEKEYwJalrXUtnFEMI/K7MDENG",
    "sk-ab***********yz",
    "api_key=hunter2",
    "API key: hunter2",
  ])("removes what looks like a key: %s", (key) => {
    const text = redact(`Incorrect API key provided (${key}). Check it.`).providerMessage;
    for (const part of key.split(/[ :=.*]+/).filter((one) => /\d|\*|^sk-x|def|hunter/.test(one)))
      expect(text).not.toContain(part);
    expect(text).toMatch(/^Incorrect API key provided \(.*Check it\.$/);
  });

  const prompt = 'The quick brown fox "jumps" over\nthe lazy dog, and returns to its den before the rain.';

  it.each([
    ["as it is", prompt],
    ["with other white space", prompt.replace("\n", "   ")],
    ["as JSON", JSON.stringify(prompt)],
    ["in part", prompt.slice(7, 50)],
  ])("removes the request's text %s", (_, quoted) => {
    const request = { messages: [{ role: "user", content: `Summarize: ${prompt}` }] };
    const text = redact(`Invalid input: ${quoted} (at 3)`, request).providerMessage ?? "";
    expect(text).toMatch(/^Invalid input.*\(at 3\)$/);
    expect(text).not.toMatch(/brown fox|lazy dog/);
  });

  it("keeps short quotes of the request", () => {
    expect(redact("unknown role 'assistent'", { messages: [{ role: "assistent" }] }).providerMessage).toBe(
      "unknown role 'assistent'",
    );
  });

  it("never returns 40 characters in a row of the request, whatever surrounds them", () => {
    const text = fc.string({ minLength: 40, maxLength: 300, unit: fc.constantFrom(...'abcde fgh,文字"') });
    fc.assert(
      fc.property(text, fc.string(), fc.string(), fc.nat(200), (content, before, after, from) => {
        const shown =
          redact(`${before}${content.slice(from)}${after}`, { messages: [{ content }] }).providerMessage ?? "";
        const normalized = content.replace(/\s+/g, " ");
        for (let at = 0; at + 40 <= shown.length; at++) expect(normalized).not.toContain(shown.slice(at, at + 40));
      }),
    );
  });

  it("does not show the text when the error is printed or serialized", () => {
    const error = new ProviderError("ours", { kind: "auth", provider: "fake", providerMessage: "theirs" });
    expect(JSON.stringify(error) + String(error) + Object.keys(error).join()).not.toMatch(/theirs|providerMessage/);
  });

  it("is fast for a large request", () => {
    const request = { content: "lorem ipsum dolor sit amet ".repeat(100_000) };
    const started = process.cpuUsage();
    redact("lorem ipsum dolor sit amet ".repeat(100), request);
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(2_000);
  });
});
