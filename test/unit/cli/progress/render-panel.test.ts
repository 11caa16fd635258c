import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textWidth } from "#src/cli/format/text-width.ts";
import { type PanelOptions, renderPanel } from "#src/cli/progress/render-panel.ts";
import type { LaneSnapshot, RunSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import { NOW, sampleLane, sampleSnapshot } from "./sample-snapshot.ts";

function render(changes: Partial<RunSnapshot> = {}, options: Partial<PanelOptions> = {}): string {
  return renderPanel(sampleSnapshot(changes), { width: 80, color: false, now: NOW, ...options });
}

const lineWith = (panel: string, text: string) => panel.split("\n").find((line) => line.includes(text));

describe("the panel", () => {
  it("shows progress, statistics, limits, failures and cost on 80 columns", () => {
    const cost = { spent: 1.395, expected: 2.43, currency: "CNY" };
    const snoozed = sampleLane({
      name: "minimax:team-b/embo-01",
      state: "snoozed",
      snoozeUntil: NOW + 11_200,
      reason: "requests per minute",
      requests: { used: 480, allowed: 600, learned: 540 },
      tokens: { used: 0 },
      concurrency: { used: 8 },
    });
    expect(`\n${render({ cost, lanes: [sampleLane(), snoozed] }, { output: "./vectors" })}\n`).toMatchInlineSnapshot(`
      "
      sluice  minimax/embo-01  run r1  to ./vectors

      57.3 %  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━───────────────────────  2 min 04 s left

      items     7,074 of 12,345  512 queued       3 failed
      speed     99.8 items/s     10.0 calls/s     39.2k tokens/s   2 workers
      calls     708 made         99.2 % full      2 throttled      20 deferred
      tokens    2.79M of ~4.87M
      cost      1.40 CNY of ~2.43 CNY

      limits                requests/min        tokens/min            in flight
      minimax/embo-01       ━━━━─ 480 of 600    ━──── 120k of 1M      ━━━━─ 8 of 10
      minimax:team-b/embo…  ━━━━─ 480 of 540*   -                     8
        snoozed for 12 s: requests per minute
      * lowered after the provider refused more

      failures  content-filter 2                  too-long 1
      "
    `);
  });

  it("marks counts of calls that are lower bounds, with the reason", () => {
    const calls = { made: 708, succeeded: 700, paidTwice: 4, throttled: 0, isLowerBound: true };
    const panel = render({ calls, snoozes: 0 });
    expect(panel).toMatch(/at least 708 made .*at least 4 duplicate/s);
    expect(panel).toContain("Redis lost counts");
  });

  it("keeps every value in 40 columns", () => {
    expect(
      `\n${render({}, { width: 40, output: "./vectors", notice: "a worker exited and was replaced" })}\n`,
    ).toMatchInlineSnapshot(`
      "
      sluice  minimax/embo-01  run r1  to ./v…

      57.3 %  ━━━━━━━━━━━━━━━━━━──────────────
              2 min 04 s left

      items     7,074 of 12,345
                512 queued     3 failed
      speed     99.8 items/s   10.0 calls/s
                39.2k tokens/s
                2 workers
      calls     708 made       99.2 % full
                2 throttled    20 deferred
      tokens    2.79M of ~4.87M

      minimax/embo-01
        requests/min ━━━━─ 480 of 600
        tokens/min   ━──── 120k of 1M
        in flight    ━━━━─ 8 of 10

      failures  content-filter 2
                too-long 1

      a worker exited and was replaced
      "
    `);
  });

  it("shows why nothing succeeds, for how long and where, at any width", () => {
    const trouble = {
      kind: "network",
      message: "connection refused: nothing listens at the base URL's address",
      address: "api.example.com:8443",
      since: NOW - 12_000,
    };
    const wide = render({ trouble });
    expect(lineWith(wide, "no answers")).toBe("no answers from api.example.com:8443 for 12 s");
    expect(lineWith(wide, "network")).toBe(`  network: ${trouble.message}`);
    const narrow = render({ trouble }, { width: 40 });
    for (const line of narrow.split("\n")) expect(textWidth(line)).toBeLessThanOrEqual(40);
    expect(narrow).toContain("no answers from api.example.com:8443");
    expect(render()).not.toContain("no answers");
  });

  it("shows unknown values as a dash, never as zero", () => {
    const {
      itemsPerSecond: _,
      callsPerSecond: __,
      tokensPerSecond: ___,
      batchFill: ____,
      etaMs: _____,
      ...rest
    } = sampleSnapshot();
    const panel = renderPanel(
      {
        ...rest,
        tokens: 0,
        items: { total: 5, succeeded: 0, failed: 0, inFlight: 0 },
        failuresByKind: {},
        lanes: [],
      },
      { width: 80, color: false, now: NOW },
    );
    expect(`\n${panel}\n`).toMatchInlineSnapshot(`
      "
      sluice  minimax/embo-01  run r1

      0 %     ────────────────────────────────────────────────────  - left

      items     0 of 5           0 queued         0 failed
      speed     - items/s        - calls/s        - tokens/s       2 workers
      calls     708 made         - full           2 throttled      20 deferred
      tokens    0
      "
    `);
  });

  it.each([
    ["planning", "reading the source"],
    ["finishing", "writing the output"],
    ["parked", "stopped"],
    ["done", "in 1 min 10 s"],
    ["running", "2 min 04 s left"],
  ] as const)("says in phase %s: %s", (phase, words) => {
    expect(lineWith(render({ phase }), "━")).toContain(words);
  });

  it("shows no percentage and no total while the source is being read", () => {
    const panel = render({ phase: "planning", items: { total: 0, succeeded: 0, failed: 0, inFlight: 0 } });
    expect(lineWith(panel, "reading")).toMatch(/^- /);
    expect(lineWith(panel, "items  ")).toContain("0 of -");
  });

  it("shows why a lane is parked, and counts the lanes that do not fit", () => {
    const open = Array.from({ length: 9 }, (_, i) => sampleLane({ name: `minimax:a${i}/embo-01` }));
    const parked = sampleLane({
      name: "minimax:last/embo-01",
      state: "parked",
      reason: "auth: the key is not valid",
    });
    const panel = render({ lanes: [...open, parked] });
    expect(panel).toContain("  parked: auth: the key is not valid");
    expect(panel).toContain("and 4 more");
  });

  it("shows why an open lane makes no progress", () => {
    const hanging = { calls: 3, limitMs: 60_000, usualMs: 1_200, aborted: 0 };
    const panel = (changes: Partial<typeof hanging>) =>
      render({ lanes: [sampleLane({ hanging: { ...hanging, ...changes } })] });
    expect(panel({})).toContain("  3 calls have taken more than 1 min 00 s (usually 1.2 s)");
    expect(panel({ calls: 1, aborted: 1 })).toContain(
      "  1 call has taken more than 1 min 00 s (usually 1.2 s); 1 hanging call aborted",
    );
    expect(panel({ calls: 0, aborted: 12 })).toContain("  12 hanging calls aborted and made again");
  });

  it("shows duplicate calls only if there are any", () => {
    expect(render()).not.toContain("duplicate");
    expect(render({ calls: { made: 9, succeeded: 8, paidTwice: 1, throttled: 0 } })).toContain("1 duplicate");
  });

  it("has colors if enabled, and the same text without them", () => {
    const colored = render({}, { color: true });
    expect(colored).toContain("\u001b[");
    expect(stripVTControlCharacters(colored)).toBe(render());
  });

  it("sanitizes names and reasons", () => {
    const evil = "\u001b]0;owned\u0007\u001b[2J\u202e\nrm";
    const lane = sampleLane({ name: evil, state: "parked", reason: evil });
    const panel = render(
      { model: evil, runId: evil, lanes: [lane], failuresByKind: { [evil]: 1 } },
      { output: evil, notice: evil },
    );
    expect(panel.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(panel.split("\n").length).toBe(
      render({ lanes: [lane], failuresByKind: { x: 1 } }, { output: "o", notice: "n" }).split("\n").length,
    );
  });

  it("shows the cost of each model, also if the price of one is unknown", () => {
    const costs = [
      { model: "a/one", tokens: 10, cost: { amount: 1.5, currency: "USD" } },
      { model: "b/two", tokens: 10 },
    ];
    expect(lineWith(render({ cost: undefined, costs }), "cost")).toMatch(
      /^cost +a\/one 1\.50 USD +b\/two price unknown$/,
    );
  });

  it("is never wider than the terminal, for any numbers", () => {
    const quantity = fc.oneof(
      fc.nat(),
      fc.constant(0),
      fc.constant(123_456_789_012),
      fc.double({ min: 0, max: 1e12, noNaN: true }),
    );
    const money = fc.double({ min: 0, max: 1e9, noNaN: true });
    const count = fc.oneof(fc.nat({ max: 2_000_000 }), fc.constant(999_999_999));
    const share = fc.record({ used: quantity, allowed: quantity, learned: quantity }, { requiredKeys: ["used"] });
    const lane: fc.Arbitrary<LaneSnapshot> = fc.record(
      {
        name: fc.string({ unit: "grapheme", maxLength: 60 }),
        state: fc.constantFrom("open" as const, "snoozed" as const, "parked" as const),
        snoozeUntil: fc.integer({ min: NOW - 1e6, max: NOW + 1e9 }),
        reason: fc.string({ unit: "grapheme", maxLength: 120 }),
        requests: share,
        tokens: share,
        concurrency: share,
      },
      { requiredKeys: ["name", "state", "requests", "tokens", "concurrency"] },
    );
    const snapshot = fc.record({
      lanes: fc.array(lane, { maxLength: 9 }),
      items: fc.record({ total: count, succeeded: count, failed: count, inFlight: count }),
      calls: fc.record({ made: count, succeeded: count, paidTwice: count, throttled: count }),
      snoozes: count,
      tokens: quantity,
      itemsPerSecond: quantity,
      batchFill: fc.double({ min: 0, max: 1, noNaN: true }),
      etaMs: fc.nat({ max: 2 ** 31 - 1 }),
      cost: fc.record({ spent: money, expected: money, currency: fc.constantFrom("CNY", "USD", "JPY") }),
      costs: fc.array(
        fc.record(
          {
            model: fc.constantFrom("minimax/embo-01", `minimax/${"长模型".repeat(20)}`),
            tokens: count,
            cost: fc.record({ amount: money, currency: fc.constantFrom("CNY", "USD") }),
          },
          { requiredKeys: ["model", "tokens"] },
        ),
        { maxLength: 9 },
      ),
      model: fc.constantFrom("minimax/embo-01", `minimax/${"长模型".repeat(20)}`),
    });
    fc.assert(
      fc.property(snapshot, fc.integer({ min: 40, max: 140 }), (changes, width) => {
        const output = "语料/输出目录/".repeat(6);
        for (const line of render(changes, { width, output, notice: "通知".repeat(40) }).split("\n")) {
          expect(textWidth(line), line).toBeLessThanOrEqual(width);
        }
      }),
    );
  });
});
