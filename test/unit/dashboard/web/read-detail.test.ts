import { expect, test } from "vitest";
import { readDetail } from "#src/dashboard/web/audit/read-detail.ts";

test("limits and windows are taken apart, so that they can be said in any language", () => {
  expect(readDetail("clear, requestsPerMinute 250, concurrency 4")).toEqual([
    { kind: "text", text: "clear" },
    { kind: "limit", dimension: "requests", value: 250 },
    { kind: "limit", dimension: "concurrency", value: 4 },
  ]);
  expect(readDetail("500 items")).toEqual([{ kind: "window", value: 500 }]);
});

test("what has no words stays as it came", () => {
  expect(readDetail("content-filter,timeout")).toEqual([{ kind: "text", text: "content-filter,timeout" }]);
  expect(readDetail("tokensPerMinute many")).toEqual([{ kind: "text", text: "tokensPerMinute many" }]);
  expect(readDetail("")).toEqual([]);
});
