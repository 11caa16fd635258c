import fc from "fast-check";
import { expect, test } from "vitest";
import { createChatPayload } from "#src/producer/client/create-payload.ts";
import {
  groupSubmissions,
  MAX_SHARED_ITEMS,
  type ShareableSubmission,
} from "#src/producer/client/group-submissions.ts";
import { MAX_JOB_BYTES } from "#src/queues/payload.ts";

function submission(id: string, model: string, size: number, alone: boolean): ShareableSubmission {
  const messages = [{ role: "user" as const, content: "x".repeat(size) }];
  const { payload, bytes } = createChatPayload(id, { model, messages });
  return alone ? { id, payload } : { id, payload, bytes };
}

const idsOf = ({ payload }: ShareableSubmission) =>
  payload.kind === "chat" ? payload.items.map(({ item }) => item) : [];

test("chat items of one moment share jobs by model; each is in exactly one, and those to be alone are alone", () => {
  const drawn = fc.record({
    model: fc.constantFrom("zhipu/a", "zhipu/b"),
    size: fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 900 }) }, fc.integer({ min: 20_000, max: 90_000 })),
    alone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(drawn, { maxLength: 60 }), (all) => {
      const submissions = all.map(({ model, size, alone }, n) => submission(`c-${n}`, model, size, alone));
      const jobs = groupSubmissions(submissions);
      expect(jobs.flatMap(idsOf).sort()).toEqual(submissions.map(({ id }) => id).sort());
      for (const job of jobs) {
        const ids = idsOf(job);
        expect(ids[0]).toBe(job.id);
        expect(ids.length).toBeLessThanOrEqual(MAX_SHARED_ITEMS);
        const parts = submissions.filter(({ id }) => ids.includes(id));
        expect(new Set(parts.map(({ payload }) => payload.model)).size).toBe(1);
        if (parts.length === 1) continue;
        expect(parts.every(({ bytes }) => bytes !== undefined)).toBe(true);
        expect(parts.reduce((sum, { bytes = 0 }) => sum + bytes, 0)).toBeLessThanOrEqual(MAX_JOB_BYTES);
      }
    }),
  );
});

test("many small items of one moment become full jobs", () => {
  const jobs = groupSubmissions(Array.from({ length: 40 }, (_, n) => submission(`c-${n}`, "zhipu/a", 10, false)));
  expect(jobs.map((job) => idsOf(job).length)).toEqual([16, 16, 8]);
});
