import { describe, expect, it } from "vitest";
import { isLoopback, parseHostName } from "#src/http-server/loopback.ts";

describe("loopback names", () => {
  it.each(["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"])(
    "%s is a loopback name",
    (name) => expect(isLoopback(name)).toBe(true),
  );

  it.each(["0.0.0.0", "::", "10.0.0.1", "localhost.evil.example", "127.0.0.1.evil.example", "127.evil", "evil", ""])(
    "%j is not a loopback name",
    (name) => expect(isLoopback(name)).toBe(false),
  );

  it.each([
    ["localhost:8787", "localhost"],
    ["[::1]:8787", "[::1]"],
    ["[::1]", "[::1]"],
    ["user@127.0.0.1", undefined],
    ["127.0.0.1/evil", undefined],
    ["::1", undefined],
    ["a b", undefined],
    [undefined, undefined],
  ])("the header %j names %j", (header, name) => expect(parseHostName(header)).toBe(name));
});
