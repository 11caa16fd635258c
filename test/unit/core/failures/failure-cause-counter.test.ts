import fc from "fast-check";
import { expect, test } from "vitest";
import { computeFailureCause } from "#src/core/failures/failure-cause.ts";
import {
  FailureCauseCounter,
  isOtherCause,
  MAX_CAUSES,
  parseOtherCause,
} from "#src/core/failures/failure-cause-counter.ts";

test("failures of one cause are counted together, with the first as the example", () => {
  const causes = new FailureCauseCounter();
  causes.add(7, { kind: "too-long", message: "text of 9000 tokens" });
  causes.add(9, { kind: "too-long", message: "text of 8500 tokens" });
  causes.add(3, { kind: "server", message: "HTTP 500", code: "1000" });
  expect(causes.list()).toMatchObject([
    {
      kind: "too-long",
      count: 2,
      pattern: "text of <n> tokens",
      example: { item: 7, message: "text of 9000 tokens" },
    },
    { kind: "server", code: "1000", count: 1, example: { item: 3 } },
  ]);
});

test("10,000 distinct messages become 200 causes and one for the rest, with every failure counted", () => {
  const causes = new FailureCauseCounter();
  const word = (i: number) => i.toString(2).replaceAll("0", "o").replaceAll("1", "l");
  for (let i = 0; i < 10_000; i++) causes.add(i, { kind: "invalid-request", message: `strange ${word(i)}` });
  const list = causes.list();
  expect(list.length).toBe(MAX_CAUSES + 1);
  expect(list.reduce((sum, { count }) => sum + count, 0)).toBe(10_000);
  expect(list[0]).toMatchObject({ cause: "other:invalid-request", count: 10_000 - MAX_CAUSES });
  expect(list.filter(({ cause }) => isOtherCause(cause))).toHaveLength(1);
});

test("the cause of the rest has no code and no message pattern", () => {
  const causes = new FailureCauseCounter();
  const word = (i: number) => i.toString(2).replaceAll("0", "o").replaceAll("1", "l");
  for (let i = 0; i < 300; i++)
    causes.add(i, { kind: "invalid-request", code: `c_${word(i)}`, message: `strange ${word(i)}` });
  const rest = causes.list().find(({ cause }) => isOtherCause(cause));
  expect(rest).toMatchObject({ kind: "invalid-request", pattern: "", count: 100 });
  expect(rest).not.toHaveProperty("code");
  expect(parseOtherCause(rest?.cause ?? "")).toBe("invalid-request");
  expect(parseOtherCause("0123456789ab")).toBeUndefined();
});

test("a known cause is still counted after the list is full", () => {
  const causes = new FailureCauseCounter();
  const word = (i: number) => i.toString(2).replaceAll("0", "o").replaceAll("1", "l");
  for (let i = 0; i < 1_000; i++) causes.add(i, { kind: "server", message: word(i) });
  causes.add(1_000, { kind: "server", message: word(0) });
  expect(causes.list().find(({ example }) => example.item === 0)?.count).toBe(2);
});

test("only causes counted since the previous call are reported as changed", () => {
  const causes = new FailureCauseCounter();
  causes.add(0, { kind: "server", message: "one" });
  causes.add(1, { kind: "server", message: "two" });
  expect(causes.drainChanged()).toHaveLength(2);
  expect(causes.drainChanged()).toEqual([]);
  causes.add(2, { kind: "server", message: "two" });
  expect(causes.drainChanged()).toMatchObject([{ count: 2, example: { item: 1 } }]);
});

test("an example is never longer than 300 characters", () => {
  const causes = new FailureCauseCounter();
  causes.add(0, { kind: "server", message: "x".repeat(5_000) });
  expect(causes.list()[0]?.example.message).toHaveLength(300);
  expect(causes.list()[0]?.pattern.length).toBeLessThanOrEqual(300);
});

test("counts add up to the failures added, whatever their messages", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 50 }), (messages) => {
      const causes = new FailureCauseCounter();
      for (const [i, message] of messages.entries()) causes.add(i, { kind: "server", message });
      expect(causes.list().reduce((sum, { count }) => sum + count, 0)).toBe(messages.length);
    }),
  );
});

test("the provider's text does not change the cause, and is part of the example", () => {
  const counter = new FailureCauseCounter();
  const failure = { kind: "invalid-request", code: "c", message: "the request was rejected" };
  counter.add(1, { ...failure, providerMessage: "first" });
  counter.add(2, { ...failure, providerMessage: "second" });
  expect(counter.list()).toMatchObject([{ count: 2, example: { item: 1, providerMessage: "first" } }]);
  expect(computeFailureCause({ ...failure, providerMessage: "x" })).toBe(computeFailureCause(failure));
});
