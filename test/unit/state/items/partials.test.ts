import fc from "fast-check";
import { expect, test } from "vitest";
import { type PushedPartial, parsePushedPartial, selectFollowing } from "#src/state/items/partials.ts";

/** The pushed form of stream entries: each contains the ID of the previous entry. */
function pushAll(deltas: readonly string[]): PushedPartial[] {
  let previousId = "0-0";
  return deltas.map((delta, n) => {
    // Several in one millisecond, and IDs whose order as strings differs.
    const id = `${7 + Math.floor(n / 4)}-${n % 4 === 0 ? 9 : 9 + (n % 4)}`;
    const pushed: PushedPartial = { previousId, partial: { id, type: "text", attempt: 1, delta } };
    previousId = id;
    return pushed;
  });
}

test("a pushed partial equals the written entry, whatever its delta contains", () => {
  const kind = fc.constantFrom("text" as const, "reasoning" as const, "tools" as const);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), kind, fc.nat(), (delta, type, attempt) => {
      expect(parsePushedPartial(`17-3 16-0 ${attempt} ${type} ${delta}`)).toEqual({
        previousId: "16-0",
        partial: { id: "17-3", type, attempt, delta },
      });
    }),
  );
  for (const hint of ["partial", "done", ""]) expect(parsePushedPartial(hint)).toBeUndefined();
});

test("a reader accepts consecutive partials, each once, and reads the stream if one is missing", () => {
  const heard = fc.record({
    deltas: fc.array(fc.string(), { minLength: 1, maxLength: 12 }),
    position: fc.nat({ max: 12 }),
    from: fc.nat({ max: 12 }),
    lost: fc.option(fc.nat({ max: 11 })),
  });
  fc.assert(
    fc.property(heard, ({ deltas, position, from, lost }) => {
      const all = pushAll(deltas);
      const has = Math.min(position, all.length);
      const at = all[has - 1]?.partial.id ?? "0-0";
      const pushed = all.slice(from).filter((_, n) => n + from !== lost);
      const missing = all
        .slice(has)
        .some((one, n) => !pushed.includes(one) && pushed.some((t) => all.indexOf(t) > n + has));
      const taken = selectFollowing(at, pushed);
      if (missing) expect(taken).toBeUndefined();
      else
        expect(taken).toEqual(
          all
            .slice(has)
            .filter((one) => pushed.includes(one))
            .map(({ partial }) => partial),
        );
    }),
  );
});
