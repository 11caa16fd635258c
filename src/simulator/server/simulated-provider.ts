import { type EventEmitter, once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createSimulatorRandom } from "#src/simulator/answers/random.ts";
import { patchSettings, type SimulatorSettings } from "#src/simulator/settings.ts";
import { type AccountMaxima, type LimitName, SimulatedAccount } from "./account.ts";
import { type DeliveryFault, deliver, isDeliveryFault } from "./deliver.ts";
import type { CheckedCall, Endpoint, ReceivedCall, SimulatedResponse } from "./endpoint.ts";
import { type FaultAction, FaultPlan } from "./faults.ts";
import { CallCounter, type CallReport, type SimulatorStatistics } from "./statistics.ts";

export type Admission =
  | { readonly limit: LimitName }
  | { readonly fault: FaultAction | undefined; readonly release: () => void };

/** The provider behind all endpoints: applies limits, faults and latency, and counts calls. */
export class SimulatedProvider {
  #settings: SimulatorSettings;
  #faults: FaultPlan;
  readonly #random: () => number;
  /** By limit key; most endpoints share the account "". */
  readonly #accounts = new Map<string, SimulatedAccount>();
  readonly #counter = new CallCounter();
  readonly #onCall: (report: CallReport) => void;
  /** Present while calls are held; `remaining` further calls are answered before. */
  #gate: { remaining: number; readonly opened: Promise<void> } | undefined;

  #streamParts = Number.POSITIVE_INFINITY;

  constructor(settings: SimulatorSettings, seed: number, onCall: (report: CallReport) => void) {
    this.#settings = settings;
    this.#random = createSimulatorRandom(seed);
    this.#faults = new FaultPlan(settings.faults, this.#random);
    this.#onCall = onCall;
  }

  get settings(): SimulatorSettings {
    return this.#settings;
  }

  configure(patch: unknown): void {
    this.#settings = patchSettings(this.#settings, patch);
    // Faults that are not part of the patch keep their counters.
    if (typeof patch === "object" && patch !== null && "faults" in patch)
      this.#faults = new FaultPlan(this.#settings.faults, this.#random);
  }

  /** Answers the next `answered` calls, and no further one until the returned function is called; then all held calls. */
  hold(answered = 0): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const gate = { remaining: answered, opened: promise };
    this.#gate = gate;
    return () => {
      if (this.#gate === gate) this.#gate = undefined;
      resolve();
    };
  }

  /** Sends this number of parts of every streamed answer, and the rest when the returned function is called. */
  holdStreams(parts: number): () => void {
    this.#streamParts = parts;
    return () => {
      this.#streamParts = Number.POSITIVE_INFINITY;
    };
  }

  statistics(): SimulatorStatistics {
    const accounts = [...this.#accounts.values()];
    const inFlight = accounts.reduce((sum, account) => sum + account.inFlight, 0);
    return this.#counter.read(inFlight, findMaxima(accounts.map((account) => account.maxima())));
  }

  resetStatistics(): void {
    this.#counter.reset();
    for (const account of this.#accounts.values())
      account.resetMaxima(performance.now(), this.#settings.limits.windowMs);
  }

  /** Checks, counts and answers a call. Resolves when the answer has been passed to the connection. */
  async serve<Call extends CheckedCall>(
    endpoint: Endpoint<Call>,
    call: ReceivedCall,
    response: ServerResponse,
  ): Promise<void> {
    const checked = endpoint.check(call);
    if ("refusal" in checked) {
      this.#report({ path: endpoint.path, texts: [], tokens: 0, outcome: "refused" });
      deliver(response, checked.refusal, undefined);
      return;
    }
    const { accepted } = checked;
    const { texts, tokens } = accepted;
    const admission = this.admit(endpoint.path, texts, tokens, endpoint.limitKey?.(accepted));
    if ("limit" in admission) {
      deliver(response, endpoint.throttle(admission.limit), undefined);
      return;
    }
    const { fault, release } = admission;
    response.once("close", release);
    await this.waitForTurn(response);
    const { answer, delivery } = this.#compose(endpoint, accepted, fault);
    // The client may make its next call as soon as it has the last byte, so the slot must be free before. A slow delivery
    // occupies it until the connection closes.
    if (delivery === undefined && !answer.isStreamed) release();
    const mayContinue = (sent: number) => sent < this.#streamParts;
    deliver(response, answer, delivery, { everyMs: this.#settings.deltaMs, mayContinue, beforeLast: release });
  }

  #getAccount(limitKey: string): SimulatedAccount {
    const known = this.#accounts.get(limitKey) ?? new SimulatedAccount();
    this.#accounts.set(limitKey, known);
    return known;
  }

  /** Counts a call that was refused, for protocols other than HTTP. */
  countRefused(path: string): void {
    this.#report({ path, texts: [], tokens: 0, outcome: "refused" });
  }

  /** Admits a call of any protocol: returns its fault, if any, and how to end it, or the limit that refuses it. */
  admit(path: string, texts: readonly string[], tokens: number, limitKey = ""): Admission {
    const account = this.#getAccount(limitKey);
    const limit = account.admit(performance.now(), tokens, this.#settings.limits);
    if (limit) {
      this.#report({ path, texts, tokens, outcome: limit });
      return { limit };
    }
    const fault = this.#faults.next(texts);
    this.#report({ path, texts, tokens, outcome: fault ? "faulty" : "answered" });
    return { fault, release: runOnce(() => account.release()) };
  }

  /** Resolves when an admitted call may be answered: after its latency, and when calls are not held. Or when it is closed. */
  async waitForTurn(connection: EventEmitter): Promise<void> {
    const closed = new AbortController();
    const abort = () => closed.abort();
    connection.once("close", abort);
    const { fixedMs, jitterMs } = this.#settings.latency;
    const latencyMs = fixedMs + jitterMs * this.#random();
    if (latencyMs > 0) await sleep(latencyMs, undefined, { signal: closed.signal }).catch(() => undefined);
    const gate = this.#gate;
    if (gate && !closed.signal.aborted && gate.remaining-- <= 0)
      await Promise.race([gate.opened, once(connection, "close")]);
    connection.off("close", abort);
  }

  #succeed<Call extends CheckedCall>(endpoint: Endpoint<Call>, call: Call): SimulatedResponse {
    return endpoint.succeed(call, this.#settings.vectors, undefined, undefined);
  }

  #report(report: CallReport): void {
    this.#counter.add(report);
    this.#onCall(report);
  }

  #compose<Call extends CheckedCall>(
    endpoint: Endpoint<Call>,
    call: Call,
    fault: FaultAction | undefined,
  ): { answer: SimulatedResponse; delivery: DeliveryFault | undefined } {
    const whole = (answer: SimulatedResponse) => ({ answer, delivery: undefined });
    if (isDeliveryFault(fault)) return { answer: this.#succeed(endpoint, call), delivery: fault };
    switch (fault?.type) {
      case "code":
        return whole(endpoint.fail(fault.code, fault.message));
      case "status":
        return whole({ status: fault.status, headers: fault.headers, body: [Buffer.from(fault.body)] });
      case "html":
        return whole({ status: fault.status, headers: { "content-type": "text/html" }, body: [HTML_PAGE] });
      case "empty":
        return whole({ status: 200, headers: { "content-type": "application/json" }, body: [] });
      case "frames":
        return whole(this.#succeed(endpoint, call));
      case "chat":
        return whole(endpoint.succeed(call, this.#settings.vectors, undefined, fault));
      default:
        return whole(endpoint.succeed(call, this.#settings.vectors, fault?.defect, undefined));
    }
  }
}

/** The maximum of each value over all accounts. */
function findMaxima(all: readonly AccountMaxima[]): AccountMaxima {
  const maxOf = (name: keyof AccountMaxima) => Math.max(0, ...all.map((maxima) => maxima[name]));
  return {
    requestsInWindow: maxOf("requestsInWindow"),
    tokensInWindow: maxOf("tokensInWindow"),
    concurrency: maxOf("concurrency"),
    arrivalsInWindow: maxOf("arrivalsInWindow"),
  };
}

function runOnce(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}

const HTML_PAGE = Buffer.from("<!doctype html><html><body><h1>Bad gateway</h1></body></html>");
