import { Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { createReporter } from "#src/cli/progress/create-reporter.ts";
import type { OutputStream, RunReporter } from "#src/cli/progress/run-reporter.ts";
import { START, sampleReport } from "./sample-report.ts";
import { NOW, sampleLane, sampleSnapshot } from "./sample-snapshot.ts";

class FakeTerminal extends Writable {
  readonly isTTY: boolean;
  columns = 80;
  rows = 40;
  text = "";

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  get lines(): string[] {
    return this.text.split("\n").filter((line) => line !== "");
  }
}

let reporter: RunReporter | undefined;
afterEach(() => reporter?.close());

/** A reporter with its own screen and a fake clock. */
function open({ json = false, isTTY = false, noColor = true, isDumbTerminal = false } = {}) {
  const screen = new FakeTerminal(isTTY);
  const clock = { now: NOW };
  const created = createReporter({
    json,
    noColor,
    isDumbTerminal,
    out: screen as OutputStream,
    clock: { now: () => clock.now, monotonic: () => clock.now },
  });
  reporter = created;
  return { screen, clock, reporter: created };
}

const PLANNING = { files: 1, filesTotal: 4, bytes: 2_000, bytesTotal: 8_000, items: 30, problems: 0 };
const at = (done: number, changes = {}) =>
  sampleSnapshot({
    items: { total: 100, succeeded: done, failed: 0, inFlight: 10 },
    failuresByKind: {},
    calls: { made: 1, succeeded: 1, paidTwice: 0, throttled: 0 },
    ...changes,
  });

describe("plain lines", () => {
  it("are printed to a terminal that cannot move its cursor", () => {
    const { screen, reporter } = open({ isTTY: true, isDumbTerminal: true });
    reporter.start(START);
    reporter.progress(at(50));
    reporter.end({ outcome: "finished", report: sampleReport(), output: "out" });
    reporter.close();
    expect(screen.text).not.toContain("\u001b");
    expect(screen.lines.length).toBeGreaterThan(1);
  });

  it("report the start, progress by percentage and by time, and the end", () => {
    const { screen, clock, reporter } = open();
    reporter.start(START);
    for (let done = 0; done <= 12; done++) reporter.progress(at(done));
    clock.now += 10_000;
    reporter.progress(at(13));
    reporter.end({ outcome: "finished", report: sampleReport(), output: "out" });
    reporter.close();
    expect(screen.lines).toEqual([
      "run r1: minimax/embo-01, 100 items, output in ./out",
      " 5.0 %  5 of 100 items, 99.8 items/s, 2 min 04 s left",
      "10.0 %  10 of 100 items, 99.8 items/s, 2 min 04 s left",
      "13.0 %  13 of 100 items, 99.8 items/s, 2 min 04 s left",
      "98 of 100 items succeeded in 20 s",
      "  2 failed: too-long 2",
      "  11 calls, 99.9 % full, 1 throttled, 1 duplicate, 40k tokens, 0.02 CNY",
      "  out/records.jsonl",
      "  out/errors.jsonl",
    ]);
  });

  it("report at the start what an earlier session has done", () => {
    const { screen, reporter } = open();
    reporter.start({ ...START, done: 40 });
    expect(screen.lines).toEqual(["run r1: minimax/embo-01, 100 items, 40 already done, output in ./out"]);
  });

  it("report the last state once, even if no line is due", () => {
    const { screen, reporter } = open();
    reporter.progress(at(1));
    reporter.progress(at(2));
    reporter.close();
    reporter.close();
    expect(screen.lines).toEqual([" 2.0 %  2 of 100 items, 99.8 items/s, 2 min 04 s left"]);
  });

  it("repeat no line for the same items, and say when the next call is possible", () => {
    const { screen, clock, reporter } = open();
    reporter.progress(at(0));
    reporter.progress(at(10, { etaMs: 94_000, lanes: [sampleLane({ nextCallAt: clock.now + 34_000 })] }));
    reporter.progress(at(100));
    reporter.progress(at(100, { phase: "finishing", itemsPerSecond: 9 }));
    reporter.progress(at(100, { phase: "finishing", itemsPerSecond: 8 }));
    reporter.close();
    expect(screen.lines).toEqual([
      "10.0 %  10 of 100 items, 99.8 items/s, next call in 34 s: the limits per minute are used up, 1 min 34 s left",
      " 100 %  100 of 100 items, 99.8 items/s",
    ]);
  });

  it("name no rate before it is known", () => {
    const { screen, reporter } = open();
    reporter.progress(at(0));
    reporter.progress(at(100, { phase: "finishing", itemsPerSecond: undefined }));
    reporter.close();
    expect(screen.lines).toEqual([" 100 %  100 of 100 items, writing the output"]);
  });

  it("report a lane that is snoozed repeatedly at intervals, and failures by kind", () => {
    const { screen, clock, reporter } = open();
    const snoozed = (reason: string) => [sampleLane({ state: "snoozed", reason })];
    reporter.progress(at(0));
    for (let i = 0; i < 5; i++) {
      reporter.progress(at(0, { lanes: snoozed(`wait ${i}`) }));
      reporter.progress(at(0));
      clock.now += 1_000;
    }
    reporter.progress(at(1, { failuresByKind: { "too-long": 1 } }));
    expect(screen.lines).toEqual(["minimax/embo-01 snoozed: wait 0", "1 item failed: too-long"]);
  });

  it("report planning only if it takes long", () => {
    const { screen, clock, reporter } = open();
    reporter.planning(PLANNING);
    clock.now += 9_000;
    reporter.planning(PLANNING);
    expect(screen.lines).toEqual([]);
    clock.now += 1_000;
    reporter.planning(PLANNING);
    expect(screen.lines).toEqual(["reading: 1 of 4 files, 2 kB of 8 kB, 30 items"]);
  });

  it("report events as sentences", () => {
    const { screen, reporter } = open();
    reporter.event({ type: "redis-lost-run", refed: 1 });
    reporter.event({ type: "job-requeued", items: 20 });
    reporter.event({ type: "waiting-for-lease", holder: "process 7" });
    reporter.event({ type: "worker-lost", detail: "SIGKILL", restarted: true });
    reporter.event({ type: "note", message: "Redis\u001b[2J is back" });
    expect(screen.lines).toEqual([
      "Redis had lost the run: 1 item restored from disk",
      "20 items without a worker requeued",
      "waiting for another process to release this run (process 7)",
      "a worker exited (SIGKILL) and was replaced; its unfinished items are processed again",
      "Redis is back",
    ]);
  });
});

describe("JSON events", () => {
  const events = (screen: FakeTerminal) => screen.lines.map((line) => JSON.parse(line));

  it("are one object per line with event and time, from start to end", () => {
    const { screen, clock, reporter } = open({ json: true });
    reporter.planning(PLANNING);
    reporter.planning(PLANNING);
    reporter.start(START);
    reporter.progress(at(1));
    reporter.progress(at(2));
    clock.now += 1_000;
    reporter.progress(at(3, { lanes: [sampleLane({ state: "parked", reason: "quota" })] }));
    reporter.event({ type: "job-requeued", items: 20 });
    reporter.progress(at(4));
    const report = sampleReport();
    reporter.end({ outcome: "finished", report, output: "out" });
    reporter.close();
    const reported = events(screen);
    expect(reported.map(({ event, items }) => [event, items?.succeeded])).toEqual([
      ["planning", undefined],
      ["run-start", undefined],
      ["progress", 1],
      ["park", undefined],
      ["progress", 3],
      ["job-requeued", undefined],
      ["open", undefined],
      ["progress", 4],
      ["run-end", undefined],
    ]);
    expect(reported[1]).toEqual({ event: "run-start", at: "2026-03-01T12:00:00.000Z", ...START });
    expect(reported.at(-1)).toEqual({
      event: "run-end",
      at: "2026-03-01T12:00:01.000Z",
      outcome: "finished",
      report,
      output: "out",
    });
  });

  it("report a change of phase immediately", () => {
    const { screen, reporter } = open({ json: true });
    reporter.progress(at(1));
    reporter.progress(at(1, { phase: "finishing" }));
    expect(events(screen).map(({ phase }) => phase)).toEqual(["running", "finishing"]);
  });

  it("end every run that started, even one that was interrupted", () => {
    const { screen, reporter } = open({ json: true });
    reporter.start(START);
    reporter.close();
    reporter.close();
    expect(events(screen).slice(1)).toEqual([{ event: "run-end", at: "2026-03-01T12:00:00.000Z", outcome: "stopped" }]);
  });

  it("state why a run stopped before it started, and print nothing if no run was requested", () => {
    const stopped = open({ json: true });
    stopped.reporter.end({ outcome: "stopped", message: "interrupted" });
    expect(events(stopped.screen)).toMatchObject([{ event: "run-end", message: "interrupted" }]);
    const closed = open({ json: true });
    closed.reporter.close();
    expect(closed.screen.text).toBe("");
  });
});

describe("the live panel", () => {
  const HIDE_CURSOR = "\u001b[?25l";

  it("paints at most four times a second", () => {
    const { screen, clock, reporter } = open({ isTTY: true });
    reporter.start(START);
    const before = screen.text.length;
    for (let done = 1; done < 50; done++) reporter.progress(at(done));
    expect(screen.text.length).toBe(before);
    clock.now += 250;
    reporter.progress(at(50));
    expect(screen.text).toContain("50.0 %");
    expect(screen.text).not.toContain("49.0 %");
  });

  it("leaves a last frame with the numbers of the report, and the last lines below it", () => {
    const { screen, reporter } = open({ isTTY: true });
    reporter.start(START);
    reporter.progress(at(97));
    reporter.end({ outcome: "finished", report: sampleReport(), output: "out" });
    const last = stripVTControlCharacters(screen.text.slice(screen.text.lastIndexOf("100 %")));
    expect(last).toContain("100 of 100");
    expect(last).toContain("in 20 s");
    expect(last).toContain("5.00 items/s");
    expect(last).toContain("99.9 % full");
    expect(last).toContain("0.02 CNY");
    expect(last).toContain("too-long 2");
    expect(last).toContain("98 of 100 items succeeded in 20 s\n  out/records.jsonl\n");
  });

  it("keeps the last frame when it is closed early, and never hides the cursor", () => {
    const { screen, clock, reporter } = open({ isTTY: true });
    reporter.start(START);
    clock.now += 250;
    reporter.progress(at(40));
    reporter.end({ outcome: "stopped", message: "interrupted", hint: "run it again" });
    const length = screen.text.length;
    reporter.close();
    reporter.progress(at(41));
    expect(screen.text.length).toBe(length);
    expect(screen.text).toContain("40.0 %");
    expect(screen.text.endsWith("\nstopped: interrupted\n  run it again\n")).toBe(true);
    expect(screen.text).not.toContain(HIDE_CURSOR);
  });

  it("shows the planning phase, and clears it if the command ends there", () => {
    const { screen, reporter } = open({ isTTY: true });
    reporter.planning(PLANNING);
    expect(screen.text).toContain("reading: 1 of 4 files");
    const before = screen.text.length;
    reporter.close();
    expect(screen.text.slice(before)).not.toContain("reading");
    expect(screen.text.slice(before)).toContain("\u001b[");
  });

  it("shows an event for half a minute", () => {
    const { screen, clock, reporter } = open({ isTTY: true });
    reporter.start(START);
    reporter.progress(at(1));
    clock.now += 250;
    reporter.event({ type: "note", message: "Redis is back" });
    expect(screen.text).toContain("Redis is back");
    const before = screen.text.length;
    clock.now += 30_000;
    reporter.progress(at(2));
    expect(screen.text.slice(before)).not.toContain("Redis is back");
  });

  it("has colors only if they are enabled", () => {
    const plain = open({ isTTY: true, noColor: true });
    plain.reporter.start(START);
    plain.reporter.close();
    expect(plain.screen.text).not.toContain("\u001b[1m");
    const colored = open({ isTTY: true, noColor: false });
    colored.reporter.start(START);
    expect(colored.screen.text).toContain("\u001b[1m");
  });
});

describe("any reporter", () => {
  it.each([{ json: true }, { isTTY: true }, {}])("survives a closed pipe: %j", (options) => {
    const { screen, reporter } = open(options);
    screen.emit("error", Object.assign(new Error("broken pipe"), { code: "EPIPE" }));
    reporter.start(START);
    reporter.end({ outcome: "stopped", message: "interrupted" });
    reporter.close();
  });
});
