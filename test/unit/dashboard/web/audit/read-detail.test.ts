import { expect, test } from "vitest";
import { readDetail } from "#src/dashboard/web/audit/read-detail.ts";

test("parses limits and windows, so that they can be localized", () => {
  expect(readDetail("clear, requestsPerMinute 250, concurrency 4")).toEqual([
    { kind: "text", text: "clear" },
    { kind: "limit", dimension: "requests", window: "minute", value: 250 },
    { kind: "limit", dimension: "concurrency", window: "minute", value: 4 },
  ]);
  expect(readDetail("500 items")).toEqual([{ kind: "window", value: 500 }]);
});

test("keeps other texts unchanged", () => {
  expect(readDetail("content-filter,timeout")).toEqual([{ kind: "text", text: "content-filter,timeout" }]);
  expect(readDetail("tokensPerMinute many")).toEqual([{ kind: "text", text: "tokensPerMinute many" }]);
  expect(readDetail("")).toEqual([]);
});
