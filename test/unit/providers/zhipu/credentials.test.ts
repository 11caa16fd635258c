import { describe, expect, it } from "vitest";
import { createKeyCredentials, createTokenCredentials, signToken } from "#src/providers/zhipu/credentials.ts";

const KEY = "0123456789abcdef0123456789abcdef.FakeSecret123456";
const NEW_YEAR = 1_735_689_600_000;
const TOKEN =
  "eyJhbGciOiJIUzI1NiIsInNpZ25fdHlwZSI6IlNJR04ifQ" +
  ".eyJhcGlfa2V5IjoiMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYiLCJleHAiOjE3MzU2ODk3ODAwMDAsInRpbWVzdGFtcCI6MTczNTY4OTYwMDAwMH0" +
  ".3a82N4eGfSSjPjlJnMkzKJAWdKWBSNwu57IHt0RFK9M";

describe("Zhipu's credentials", () => {
  it("sign the token of the documented test vector", async () => {
    expect(await signToken(KEY, NEW_YEAR, 180_000)).toBe(TOKEN);
    expect(JSON.parse(Buffer.from(TOKEN.split(".")[0] ?? "", "base64url").toString())).toEqual({
      alg: "HS256",
      sign_type: "SIGN",
    });
  });

  it("use a token until shortly before it expires", async () => {
    let now = NEW_YEAR;
    const credentials = createTokenCredentials(KEY, () => now);
    const first = await credentials.header();
    expect(first).toBe(`Bearer ${TOKEN}`);
    now += 149_000;
    expect(await credentials.header()).toBe(first);
    now += 2_000;
    expect(await credentials.header()).not.toBe(first);
  });

  it("create a new token after the clock is set back, and on request", async () => {
    let now = NEW_YEAR;
    const credentials = createTokenCredentials(KEY, () => now);
    await credentials.header();
    now -= 3_600_000;
    expect(await credentials.header()).not.toBe(`Bearer ${TOKEN}`);
    now = NEW_YEAR;
    expect(await credentials.header()).toBe(`Bearer ${TOKEN}`);
    const before = await credentials.header();
    now += 1;
    expect(await credentials.header()).toBe(before);
    expect(credentials.renew()).toBe(true);
    expect(await credentials.header()).not.toBe(before);
  });

  it("send the key itself if no token is configured", async () => {
    const credentials = createKeyCredentials(KEY);
    expect(await credentials.header()).toBe(`Bearer ${KEY}`);
    expect(credentials.renew()).toBe(false);
  });

  it.each(["", "no-dot", "a.", ".b", "a.b.c"])("reject %j as a key for tokens without repeating it", async (key) => {
    const rejection = createTokenCredentials(key).header();
    await expect(rejection).rejects.toMatchObject({ kind: "auth", provider: "zhipu" });
    await expect(rejection).rejects.toThrow(/id\.secret.*ZHIPU_API_KEY.*ZHIPU_AUTH/);
  });
});
