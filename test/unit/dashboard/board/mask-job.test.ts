import fc from "fast-check";
import { expect, it } from "vitest";
import { maskJobData } from "../../../../src/dashboard/board/mask-job.ts";

const SECRET = "the secret text";

it("what a job is about is shown, what it holds is not", () => {
  const job = {
    v: 1,
    kind: "chat",
    provider: "zhipu",
    target: { item: "c-1" },
    request: { messages: [{ role: "user", content: SECRET }], user: SECRET },
    items: [[0, 1, SECRET]],
  };
  expect(maskJobData(job)).toEqual({
    v: 1,
    kind: "chat",
    provider: "zhipu",
    target: { item: "c-1" },
    request: { messages: "[1 element]", user: `[${SECRET.length} characters]` },
    items: "[1 element]",
  });
});

it("no text of a request comes through, wherever it stands", () => {
  const hidden = fc.letrec((tie) => ({
    value: fc.oneof(
      fc.constant(SECRET),
      fc.array(tie("value")),
      fc.dictionary(fc.constantFrom("content", "text", "a"), tie("value")),
    ),
  })).value;
  fc.assert(
    fc.property(hidden, (request) => {
      expect(JSON.stringify(maskJobData({ kind: "chat", request }))).not.toContain(SECRET);
    }),
  );
});
