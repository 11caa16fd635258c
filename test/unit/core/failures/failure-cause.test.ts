import fc from "fast-check";
import { expect, test } from "vitest";
import { computeFailureCause, isFailureCauseId, toMessagePattern } from "#src/core/failures/failure-cause.ts";

test.each([
  ["item 5: a text of 12,000 tokens", "item <n>: a text of <n> tokens"],
  ["no answer within 30000ms, 1.5s and 20 MB", "no answer within <n>ms, <n>s and <n> MB"],
  ["GET https://api.example.com/v1/a?b=1 failed", "GET <url> failed"],
  ["unknown model 'embo-02', can't go on", "unknown model <text>, can't go on"],
  ['field "temperature" must be a number', "field <text> must be a number"],
  ["参数“温度”错误 1214", "参数<text>错误 <n>"],
  ["request 550e8400-e29b-41d4-a716-446655440000 at 0xdeadbeef", "request <id> at <id>"],
  ["request req_0a1b2c of org-x7Y9 refused", "request <id> of <id> refused"],
  ["  two\n\tlines ", "two lines"],
])("%j reads as %j", (message, pattern) => {
  expect(toMessagePattern(message)).toBe(pattern);
});

test("status and error codes stay, because they describe the failure", () => {
  expect(toMessagePattern("HTTP 503 (code 1002, status: 7)")).toBe("HTTP 503 (code 1002, status: 7)");
});

test("messages that differ only in numbers have one cause", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.uuid(), fc.uuid(), (a, b, idA, idB) => {
      const message = (n: number, id: string) => `text of ${n} tokens refused (request ${id})`;
      const cause = (text: string) => computeFailureCause({ kind: "too-long", message: text });
      expect(cause(message(a, idA))).toBe(cause(message(b, idB)));
    }),
  );
});

test("kind, code and wording distinguish causes", () => {
  const causes = [
    { kind: "server", message: "down" },
    { kind: "timeout", message: "down" },
    { kind: "server", message: "down", code: "1000" },
    { kind: "server", message: "up" },
  ].map(computeFailureCause);
  expect(new Set(causes).size).toBe(4);
  expect(causes.every(isFailureCauseId)).toBe(true);
});

test("a cause is the same in every version, because users pass it to retry", () => {
  expect(computeFailureCause({ kind: "server", code: "1000", message: "HTTP 500: failed after 12 s" })).toBe(
    "2a08a72ed1a2",
  );
});

test("any text gives a pattern and a cause", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 2_000 }), (text) => {
      const pattern = toMessagePattern(text);
      expect(isFailureCauseId(computeFailureCause({ kind: "server", message: text }))).toBe(true);
      expect(pattern.length).toBeLessThanOrEqual(6_000);
    }),
  );
});
