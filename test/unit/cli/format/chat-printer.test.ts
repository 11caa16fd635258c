import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createChatPrinter } from "#src/cli/format/chat-printer.ts";
import type { StreamEvent } from "#src/producer/client/stream-events.ts";

type PushedEvent = StreamEvent extends infer E ? (E extends unknown ? Omit<E, "id"> : never) : never;
const END: PushedEvent = {
  type: "end",
  finishReason: { unified: "stop" },
  usage: { inputTokens: 3, outputTokens: 1_200 },
  length: 2,
  sha256: "",
};

function print(events: readonly PushedEvent[], { json = false, isTTY = false } = {}) {
  const out = Object.assign(new PassThrough(), { isTTY });
  const diagnostics = Object.assign(new PassThrough(), { isTTY });
  const printer = createChatPrinter({ json, noColor: true, out, diagnostics });
  const seen: string[] = [];
  for (const event of events) {
    printer.event({ id: "1-0", ...event } as StreamEvent);
    seen.push(String(out.read() ?? ""));
  }
  printer.close();
  return {
    text: seen.join("") + String(out.read() ?? ""),
    seen,
    diagnostics: String(diagnostics.read() ?? ""),
  };
}

const BROKEN: readonly PushedEvent[] = [
  { type: "delta", text: "half an ans" },
  { type: "reset" },
  { type: "delta", text: "the \u001b[2Jwhole" },
  END,
];

test("a terminal shows sanitized deltas as they arrive, and a notice when the answer starts again", () => {
  const { seen, diagnostics } = print(BROKEN, { isTTY: true });
  expect(seen).toEqual(["half an ans", "\n(the answer starts again)\n", "the whole", "\n"]);
  expect(diagnostics).toBe("3 tokens in, 1,200 tokens out\n");
});

test("a reset before the first word has no effect", () => {
  expect(print([{ type: "reset" }, { type: "delta", text: "hi" }, END], { isTTY: true }).text).toBe("hi\n");
});

test("a pipe gets the complete answer once, unchanged", () => {
  const { seen, diagnostics } = print(BROKEN);
  expect(seen).toEqual(["", "", "", "the \u001b[2Jwhole\n"]);
  expect(diagnostics).toBe("");
});

test("reasoning is printed separately from the answer", () => {
  const events: PushedEvent[] = [{ type: "reasoning-delta", text: "hm" }, { type: "delta", text: "yes" }, END];
  expect(print(events, { isTTY: true }).text).toBe("hm\n\nyes\n");
  expect(print(events).text).toBe("yes\n");
});

test("a truncated answer prints a notice", () => {
  const cut: PushedEvent = { ...END, finishReason: { unified: "length" } } as PushedEvent;
  expect(print([{ type: "delta", text: "and then" }, cut]).diagnostics).toContain("truncated at its token limit");
});

test("with JSON, every event is one line", () => {
  const lines = print(BROKEN, { json: true }).text.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).event)).toEqual(["delta", "reset", "delta", "end"]);
});
