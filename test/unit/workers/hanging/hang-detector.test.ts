import { expect, test } from "vitest";
import { HANG_DEFAULTS, HangDetector, type ObservedCall } from "#src/workers/hanging/hang-detector.ts";

interface Call extends ObservedCall {
  /** When the upstream answers; infinite if it never does. */
  readonly answersAt: number;
}

interface LaneOptions {
  readonly places: number;
  /** The upstream's answer to a call that is sent at `now`: its duration, infinite if it never answers. */
  readonly respond: (now: number, random: () => number, attempts: number) => number;
  readonly settings?: Partial<typeof HANG_DEFAULTS>;
  readonly stepMs?: number;
}

/** A lane whose places are always taken, on a simulated clock. Aborted calls are made again at once. */
function openLane({ places, respond, settings, stepMs = 100 }: LaneOptions) {
  const random = createRandom(7);
  const detector = new HangDetector<Call>({ ...HANG_DEFAULTS, ...settings });
  let now = 0;
  let open: Call[] = [];
  let retries: number[] = [];
  let canSend = true;
  const lane = {
    answered: 0,
    aborted: [] as { readonly at: number; readonly call: Call; readonly isAnswering: boolean }[],
    get now() {
      return now;
    },
    get open(): readonly Call[] {
      return open;
    },
    detector,
    /** Starts no new calls from now on: the last items of a run are in calls. */
    finish: () => {
      canSend = false;
    },
    run(ms: number) {
      for (const until = now + ms; now < until; now += stepMs) step();
    },
  };
  const step = () => {
    for (const call of open.filter(({ answersAt }) => answersAt <= now)) {
      detector.end(call, "answered", now);
      lane.answered += 1;
    }
    open = open.filter(({ answersAt }) => answersAt > now);
    const { aborted = [], isAnswering = true } = detector.judge(now) ?? {};
    for (const call of aborted) {
      detector.end(call, "hung", now);
      lane.aborted.push({ at: now, call, isAnswering });
      retries.push(call.attempts + (isAnswering ? 1 : 0));
    }
    open = open.filter((call) => !aborted.includes(call));
    while (open.length < places && (canSend || retries.length > 0)) {
      const attempts = retries[0] ?? 0;
      retries = retries.slice(1);
      const answersAt = now + respond(now, random, attempts);
      const call = {
        ...{ kind: "run", tokens: 100, attempts, isLast: attempts >= 4, sentAt: now, aliveAt: now },
        answersBefore: detector.answers,
        answersAt,
      };
      detector.start(call);
      open.push(call);
    }
  };
  return lane;
}

/** A small generator, so that every run of a test is the same. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

const uniform = (from: number, to: number) => (_: number, random: () => number) => from + random() * (to - from);

test.each([
  [300, 0.4],
  [1_000, 0.75],
  [10_000, 0.75],
])("if one in ten calls that usually take %i ms hangs, a lane keeps %f of its goodput", (ms, share) => {
  const answer = uniform(ms * 0.7, ms);
  const measure = (respond: LaneOptions["respond"]) => {
    const lane = openLane({ places: 30, respond, stepMs: ms / 20 });
    lane.run(20 * ms);
    const before = lane.answered;
    lane.run(200 * ms);
    return { goodput: lane.answered - before, aborted: lane.aborted.length };
  };
  const healthy = measure(answer);
  const disturbed = measure((now, random) => (random() < 0.1 ? Number.POSITIVE_INFINITY : answer(now, random)));
  expect(healthy.aborted).toBe(0);
  expect(disturbed.goodput / healthy.goodput).toBeGreaterThan(share);
});

test("a single hanging call is aborted only after ten times the usual duration", () => {
  let calls = 0;
  const answer = uniform(900, 1_500);
  const lane = openLane({
    places: 10,
    respond: (now, random) => (++calls === 300 ? Number.POSITIVE_INFINITY : answer(now, random)),
  });
  lane.run(120_000);
  expect(lane.aborted).toHaveLength(1);
  const [{ at, call, isAnswering } = { at: 0, call: undefined, isAnswering: false }] = lane.aborted;
  expect(isAnswering).toBe(true);
  expect(at - (call?.sentAt ?? 0)).toBeGreaterThan(14_000);
  expect(at - (call?.sentAt ?? 0)).toBeLessThan(16_000);
});

test("while all calls are slow, only the newest call is made again, and the others wait", () => {
  const answer = uniform(300, 500);
  const LOADED_AT = 300_000;
  // From the first minute on, the server loads a model for four minutes; it then answers all calls that wait for it.
  const lane = openLane({
    places: 30,
    respond: (now, random) => Math.max(now < 59_500 ? 0 : LOADED_AT - now, 0) + answer(now, random),
  });
  lane.run(60_500);
  const waiting = [...lane.open];
  lane.run(LOADED_AT - 60_500);
  expect(lane.aborted.every(({ isAnswering }) => !isAnswering)).toBe(true);
  expect(lane.aborted.length).toBeLessThan(30);
  expect(waiting.filter((call) => lane.open.includes(call))).toHaveLength(29);
  lane.run(500);
  const before = lane.aborted.length;
  lane.run(30_000);
  expect(lane.aborted).toHaveLength(before);
});

test("a lane continues within seconds after an upstream that answered nothing for a minute", () => {
  const answer = uniform(800, 1_200);
  const HANGS = { from: 60_000, until: 120_000 };
  const lane = openLane({
    places: 30,
    respond: (now, random) =>
      now >= HANGS.from - 1_000 && now < HANGS.until ? Number.POSITIVE_INFINITY : answer(now, random),
  });
  lane.run(HANGS.until);
  const hanging = lane.detector.judge(lane.now);
  expect(hanging).toMatchObject({ isAnswering: false });
  expect(hanging?.hanging.length).toBeGreaterThan(25);
  const [before, tests] = [lane.answered, lane.aborted.length];
  expect(tests).toBeLessThan(12);
  lane.run(10_000);
  expect(lane.answered - before).toBeGreaterThan(2);
  lane.run(20_000);
  const resumed = lane.answered;
  lane.run(10_000);
  expect(lane.answered - resumed).toBeGreaterThan(250);
});

test("a call that is alone is never aborted, however long it takes", () => {
  const lane = openLane({ places: 1, respond: (now) => (now < 60_000 ? 400 : Number.POSITIVE_INFINITY) });
  lane.run(1_000_000);
  expect(lane.open).toHaveLength(1);
  expect(lane.aborted).toEqual([]);
});

test("calls that hang at the end of a run are aborted, although no later call is answered", () => {
  let hang = false;
  const answer = uniform(800, 1_200);
  const lane = openLane({
    places: 20,
    respond: (now, random, attempts) =>
      hang && attempts === 0 && random() < 0.2 ? Number.POSITIVE_INFINITY : answer(now, random),
  });
  lane.run(60_000);
  hang = true;
  lane.run(2_000);
  lane.finish();
  lane.run(20_000);
  expect(lane.open).toEqual([]);
});

test("a few answers that take much longer than the others are waited for after at most three attempts", () => {
  const answer = uniform(400, 600);
  // One item in forty needs half a minute, at every attempt: most items that are called again are such items.
  const lane = openLane({
    places: 30,
    respond: (now, random, attempts) => (attempts > 0 || random() < 0.025 ? 30_000 : answer(now, random)),
  });
  lane.run(120_000);
  const early = lane.aborted.length;
  lane.run(600_000);
  expect(Math.max(...lane.aborted.map(({ call }) => call.attempts))).toBeLessThan(4);
  // From the first late answer on, the limit is higher.
  expect(lane.aborted.length - early).toBeLessThan(early);
});

test("calls with more tokens may take longer, and calls of another run are compared with their own", () => {
  const detector = new HangDetector<Call>(HANG_DEFAULTS);
  const create = (kind: string, tokens: number, sentAt: number): Call => ({
    ...{ kind, tokens, attempts: 0, isLast: false, sentAt, aliveAt: sentAt, answersAt: 0 },
    answersBefore: detector.answers,
  });
  const answer = (kind: string, sentAt: number, durationMs: number) => {
    const call = create(kind, 100, sentAt);
    detector.start(call);
    detector.end(call, "answered", sentAt + durationMs);
  };
  const [small, large, other] = [create("a", 100, 0), create("a", 1_000, 0), create("b", 100, 0)];
  for (const call of [small, large, other]) detector.start(call);
  for (let i = 0; i < 400; i++) answer("a", i * 100, 1_000);
  expect(detector.judge(41_000)?.hanging).toEqual([small]);
  for (let i = 400; i < 1_500; i++) answer("a", i * 100, 1_000);
  expect(detector.judge(151_000)?.hanging).toEqual([small, large]);
});

test("a stream that delivers is not hanging, and nothing is aborted if that is turned off", () => {
  const answer = uniform(400, 600);
  const lane = openLane({ places: 10, respond: answer, settings: { abort: false } });
  lane.run(30_000);
  const stream = {
    ...{ kind: "run", tokens: 100, attempts: 0, isLast: false, sentAt: lane.now, aliveAt: lane.now },
    ...{ answersBefore: lane.detector.answers, answersAt: Number.POSITIVE_INFINITY },
  };
  lane.detector.start(stream);
  for (let i = 0; i < 60; i++) {
    lane.run(1_000);
    stream.aliveAt = lane.now;
    expect(lane.detector.judge(lane.now)).toBeUndefined();
  }
  lane.run(20_000);
  expect(lane.detector.judge(lane.now)).toMatchObject({ hanging: [stream], aborted: [], isAnswering: true });
});
