import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { matchesPlannedInput } from "#src/producer/plan/stdin-digest.ts";

const digest = (text: string) => ({
  bytes: Buffer.byteLength(text),
  sha256: createHash("sha256").update(text).digest("hex"),
});
const stream = (...parts: string[]) => Readable.from(parts.map((part) => Buffer.from(part)));
const whole = { canHaveMore: false };
const limited = { canHaveMore: true };

test.each([
  ["the same in other pieces", ["a", "bc", "d"], whole, true],
  ["something else of the same length", ["abce"], whole, false],
  ["less", ["abc"], whole, false],
  ["more", ["abcd", "e"], whole, false],
  ["more, within one piece", ["abcde"], whole, false],
  ["more than a plan with a limit looked at", ["abc", "de"], limited, true],
  ["another beginning than a plan with a limit looked at", ["xbcde"], limited, false],
  ["nothing", [], whole, true],
])("standard input with %s", async (_, parts, options, same) => {
  expect(await matchesPlannedInput(stream(...parts), digest("abcd"), options)).toBe(same);
});

test("a terminal is not read", async () => {
  const terminal = Object.assign(new Readable({ read: () => expect.unreachable() }), { isTTY: true });
  expect(await matchesPlannedInput(terminal, digest("abcd"), whole)).toBe(true);
});

test("a pipe that nothing comes through is let go of on abort", async () => {
  const stop = new AbortController();
  const silent = new Readable({ read: () => stop.abort(new Error("interrupted")) });
  await expect(matchesPlannedInput(silent, digest("abcd"), { ...whole, signal: stop.signal })).rejects.toThrow(
    "interrupted",
  );
});
