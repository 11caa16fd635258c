import { PassThrough } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createPanel } from "#src/cli/progress/create-panel.ts";
import { renderPanel } from "#src/cli/progress/render-panel.ts";
import type { RunSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import { NOW, sampleLane, sampleSnapshot } from "./sample-snapshot.ts";

const COLUMNS = 80;
const ROWS = 60;
const ESCAPE = "\u001b";
/** A control sequence or a single character. */
const SEQUENCE = new RegExp(`${ESCAPE}\\[([?\\d]*)([a-zA-Z])|.`, "gs");

/** A terminal with `ROWS` lines that supports only the control sequences of the panel; any other fails the test. */
class FakeTerminal {
  readonly #lines: string[] = Array.from({ length: ROWS }, () => "");
  #row = 0;
  #column = 0;

  write(text: string): void {
    for (const [token, parameter, final] of text.matchAll(SEQUENCE)) {
      if (token === "\n") [this.#row, this.#column] = [this.#row + 1, 0];
      else if (token === "\r") this.#column = 0;
      else if (final === undefined) this.#put(token);
      else this.#control(final, parameter ?? "");
    }
  }

  get text(): string {
    return this.#lines
      .map((line) => line.trimEnd())
      .join("\n")
      .trimEnd();
  }

  #put(character: string): void {
    const line = (this.#lines[this.#row] ?? "").padEnd(this.#column);
    this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#column += 1;
  }

  #control(final: string, parameter: string): void {
    const line = this.#lines[this.#row] ?? "";
    const count = Number(parameter || 1);
    if (final === "A") this.#row = Math.max(0, this.#row - count);
    else if (final === "B") this.#row += count;
    else if (final === "G") this.#column = count - 1;
    else if (final === "K") this.#lines[this.#row] = parameter === "2" ? "" : line.slice(0, this.#column);
    else if (final === "J") this.#lines.fill("", this.#row + 1);
    else if (final !== "m" && !(parameter === "?2026" && /[hl]/.test(final)))
      throw new Error(`unknown sequence ${parameter}${final}`);
  }
}

const lanes = fc.array(
  fc.record({
    state: fc.constantFrom("open", "snoozed", "parked"),
    reason: fc.constantFrom("outage", "1002"),
  }),
  { maxLength: 3 },
);
const snapshots = fc
  .record({
    lanes,
    failuresByKind: fc.constantFrom<Record<string, number>[]>({}, { "too-long": 1 }),
    trouble: fc.option(fc.constantFrom("refused", "no route"), { nil: undefined }),
    spent: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
    tokens: fc.integer({ min: 0, max: 3 }),
  })
  .map(
    ({ lanes: drawn, failuresByKind, trouble, spent, tokens }): RunSnapshot =>
      sampleSnapshot({
        lanes: drawn.map((lane, n) => sampleLane({ name: `lane-${n}`, ...lane })),
        failuresByKind,
        tokens,
        ...(trouble && { trouble: { kind: "network", message: trouble, since: NOW } }),
        ...(spent !== undefined && { cost: { spent, currency: "CNY" } }),
      }),
  );

test("the screen shows the last frame, whichever lines appeared and disappeared before", () => {
  fc.assert(
    fc.property(fc.array(snapshots, { minLength: 1, maxLength: 6 }), (drawn) => {
      let now = NOW;
      const screen = new FakeTerminal();
      const out = Object.assign(new PassThrough(), { isTTY: true, columns: COLUMNS, rows: ROWS });
      out.write = (text: string | Uint8Array) => {
        screen.write(String(text));
        return true;
      };
      const panel = createPanel(out, { color: false, clock: { now: () => now, monotonic: () => now } });
      panel.start({ runId: "r1", model: "minimax/embo-01", output: "v", items: 12_345, done: 0 });
      for (const snapshot of drawn) {
        now += 1_000;
        panel.progress(snapshot);
        expect(screen.text).toBe(renderPanel(snapshot, { width: COLUMNS, color: false, now, output: "v" }));
      }
      panel.close();
    }),
  );
});
