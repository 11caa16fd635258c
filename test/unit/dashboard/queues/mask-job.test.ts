import fc from "fast-check";
import { expect, it } from "vitest";
import { maskJobData } from "#src/dashboard/queues/mask-job.ts";

const SECRET = "the secret text";

it("identifying fields of a job are shown, its contents are not", () => {
  const job = {
    v: 2,
    kind: "chat",
    provider: "zhipu",
    items: [
      {
        ...{ index: 0, item: "c-1" },
        request: { messages: [{ role: "user", content: SECRET }], user: SECRET, extra: { item: SECRET } },
      },
    ],
  };
  const length = `[${SECRET.length} characters]`;
  expect(maskJobData(job)).toEqual({
    v: 2,
    kind: "chat",
    provider: "zhipu",
    items: [{ index: 0, item: "c-1", request: { messages: "[1 element]", user: length, extra: { item: length } } }],
  });
  expect(maskJobData({ v: 1, kind: "embedding", items: [[0, 1, SECRET]] })).toEqual({
    ...{ v: 1, kind: "embedding", items: "[1 element]" },
  });
});

it("no text of a request is shown, wherever it is", () => {
  const hidden = fc.letrec((tie) => ({
    value: fc.oneof(
      fc.constant(SECRET),
      fc.array(tie("value")),
      fc.dictionary(fc.constantFrom("content", "text", "item", "model"), tie("value")),
    ),
  })).value;
  fc.assert(
    fc.property(hidden, (request) => {
      const data = { kind: "chat", request, items: [{ index: 0, request }] };
      expect(JSON.stringify(maskJobData(data))).not.toContain(SECRET);
    }),
  );
});
