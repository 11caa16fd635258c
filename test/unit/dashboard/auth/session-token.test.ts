import { expect, it } from "vitest";
import { SESSION_MS, SessionTokens } from "#src/dashboard/auth/session-token.ts";

it("a session expires, and another server rejects it", async () => {
  let now = Date.parse("2026-01-01T00:00:00Z");
  const tokens = new SessionTokens(() => now);
  const { token, principal } = await tokens.issue("viewer", "Ada");
  expect(principal).toMatchObject({ role: "viewer", userName: "Ada", expiresAt: now + SESSION_MS });
  expect(await tokens.read(token)).toEqual(principal);
  now += SESSION_MS + 1_000;
  expect(await tokens.read(token)).toBeUndefined();
  now -= SESSION_MS;
  expect(await new SessionTokens(() => now).read(token)).toBeUndefined();
  expect(await tokens.read(`${token}x`)).toBeUndefined();
});

it("signing out ends that session at once, and no other", async () => {
  const tokens = new SessionTokens(() => Date.parse("2026-01-01T00:00:00Z"));
  const [mine, other] = [await tokens.issue("operator", "Ada"), await tokens.issue("operator", "Ada")];
  await tokens.revoke("no token");
  await tokens.revoke(mine.token);
  expect(await tokens.read(mine.token)).toBeUndefined();
  expect(tokens.isSessionExpired(mine.principal)).toBe(true);
  expect(await tokens.read(other.token)).toEqual(other.principal);
  expect(tokens.isSessionExpired(other.principal)).toBe(false);
});
