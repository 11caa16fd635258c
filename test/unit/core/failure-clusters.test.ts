import fc from "fast-check";
import { expect, test } from "vitest";
import { FailureClusters, isOther, MAX_CLUSTERS, otherKind } from "../../../src/core/failure-clusters.ts";

test("failures of one cause are one cluster with the first as its example", () => {
  const clusters = new FailureClusters();
  clusters.add(7, { kind: "too-long", message: "text of 9000 tokens" });
  clusters.add(9, { kind: "too-long", message: "text of 8500 tokens" });
  clusters.add(3, { kind: "server", message: "HTTP 500", code: "1000" });
  expect(clusters.list()).toMatchObject([
    {
      kind: "too-long",
      count: 2,
      pattern: "text of <n> tokens",
      example: { item: 7, message: "text of 9000 tokens" },
    },
    { kind: "server", code: "1000", count: 1, example: { item: 3 } },
  ]);
});

test("10,000 distinct messages leave 200 clusters and one more for the rest, with every failure counted", () => {
  const clusters = new FailureClusters();
  const word = (i: number) => i.toString(2).replaceAll("0", "o").replaceAll("1", "l");
  for (let i = 0; i < 10_000; i++)
    clusters.add(i, { kind: "invalid-request", message: `strange ${word(i)}` });
  const list = clusters.list();
  expect(list.length).toBe(MAX_CLUSTERS + 1);
  expect(list.reduce((sum, { count }) => sum + count, 0)).toBe(10_000);
  expect(list[0]).toMatchObject({ cause: "other:invalid-request", count: 10_000 - MAX_CLUSTERS });
  expect(list.filter(({ cause }) => isOther(cause))).toHaveLength(1);
});

test("the rest of many causes has no code and no message of one of them", () => {
  const clusters = new FailureClusters();
  const word = (i: number) => i.toString(2).replaceAll("0", "o").replaceAll("1", "l");
  for (let i = 0; i < 300; i++)
    clusters.add(i, { kind: "invalid-request", code: `c_${word(i)}`, message: `strange ${word(i)}` });
  const rest = clusters.list().find(({ cause }) => isOther(cause));
  expect(rest).toMatchObject({ kind: "invalid-request", pattern: "", count: 100 });
  expect(rest).not.toHaveProperty("code");
  expect(otherKind(rest?.cause ?? "")).toBe("invalid-request");
  expect(otherKind("0123456789ab")).toBeUndefined();
});

test("a cause that is known goes on being counted after the list is full", () => {
  const clusters = new FailureClusters();
  const word = (i: number) => i.toString(2).replaceAll("0", "o").replaceAll("1", "l");
  for (let i = 0; i < 1_000; i++) clusters.add(i, { kind: "server", message: word(i) });
  clusters.add(1_000, { kind: "server", message: word(0) });
  expect(clusters.list().find(({ example }) => example.item === 0)?.count).toBe(2);
});

test("only what was added to since the last time is told as changed", () => {
  const clusters = new FailureClusters();
  clusters.add(0, { kind: "server", message: "one" });
  clusters.add(1, { kind: "server", message: "two" });
  expect(clusters.takeChanged()).toHaveLength(2);
  expect(clusters.takeChanged()).toEqual([]);
  clusters.add(2, { kind: "server", message: "two" });
  expect(clusters.takeChanged()).toMatchObject([{ count: 2, example: { item: 1 } }]);
});

test("an example is never longer than 300 characters", () => {
  const clusters = new FailureClusters();
  clusters.add(0, { kind: "server", message: "x".repeat(5_000) });
  expect(clusters.list()[0]?.example.message).toHaveLength(300);
  expect(clusters.list()[0]?.pattern.length).toBeLessThanOrEqual(300);
});

test("counts add up to the failures added, whatever they say", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 50 }), (messages) => {
      const clusters = new FailureClusters();
      for (const [i, message] of messages.entries()) clusters.add(i, { kind: "server", message });
      expect(clusters.list().reduce((sum, { count }) => sum + count, 0)).toBe(messages.length);
    }),
  );
});
