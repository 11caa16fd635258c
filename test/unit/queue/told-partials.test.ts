import fc from "fast-check";
import { expect, test } from "vitest";
import { followOn, parseTold, type ToldPartial } from "../../../src/queue/partials.ts";

/** What a stream's entries are told as: each with the id of the one before it. */
function tell(deltas: readonly string[]): ToldPartial[] {
  let before = "0-0";
  return deltas.map((delta, n) => {
    // Several in one millisecond, and ids whose order as text is another one.
    const id = `${7 + Math.floor(n / 4)}-${n % 4 === 0 ? 9 : 9 + (n % 4)}`;
    const told: ToldPartial = { before, partial: { id, type: "text", attempt: 1, delta } };
    before = id;
    return told;
  });
}

test("what is told is what was written, whatever stands in a delta", () => {
  const kind = fc.constantFrom("text" as const, "reasoning" as const, "tools" as const);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), kind, fc.nat(), (delta, type, attempt) => {
      expect(parseTold(`17-3 16-0 ${attempt} ${type} ${delta}`)).toEqual({
        before: "16-0",
        partial: { id: "17-3", type, attempt, delta },
      });
    }),
  );
  for (const hint of ["partial", "done", ""]) expect(parseTold(hint)).toBeUndefined();
});

test("a reader takes what follows on what it has, each once, and reads where something is missing", () => {
  const heard = fc.record({
    deltas: fc.array(fc.string(), { minLength: 1, maxLength: 12 }),
    position: fc.nat({ max: 12 }),
    from: fc.nat({ max: 12 }),
    lost: fc.option(fc.nat({ max: 11 })),
  });
  fc.assert(
    fc.property(heard, ({ deltas, position, from, lost }) => {
      const all = tell(deltas);
      const has = Math.min(position, all.length);
      const at = all[has - 1]?.partial.id ?? "0-0";
      const told = all.slice(from).filter((_, n) => n + from !== lost);
      const missing = all
        .slice(has)
        .some((one, n) => !told.includes(one) && told.some((t) => all.indexOf(t) > n + has));
      const taken = followOn(at, told);
      if (missing) expect(taken).toBeUndefined();
      else
        expect(taken).toEqual(
          all
            .slice(has)
            .filter((one) => told.includes(one))
            .map(({ partial }) => partial),
        );
    }),
  );
});
