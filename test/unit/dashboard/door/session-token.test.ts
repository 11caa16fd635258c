import { expect, it } from "vitest";
import { SESSION_MS, SessionTokens } from "../../../../src/dashboard/door/session-token.ts";

it("a session ends after its time, and is none of another server's", async () => {
  let now = Date.parse("2026-01-01T00:00:00Z");
  const tokens = new SessionTokens(() => now);
  const { token, person } = await tokens.issue("viewer", "Ada");
  expect(person).toEqual({ role: "viewer", who: "Ada", expiresAt: now + SESSION_MS });
  expect(await tokens.read(token)).toEqual(person);
  now += SESSION_MS + 1_000;
  expect(await tokens.read(token)).toBeUndefined();
  now -= SESSION_MS;
  expect(await new SessionTokens(() => now).read(token)).toBeUndefined();
  expect(await tokens.read(`${token}x`)).toBeUndefined();
});
