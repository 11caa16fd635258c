import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Account } from "./account.ts";
import { type DeliveryFault, deliver, isDeliveryFault } from "./deliver.ts";
import type { AcceptedCall, Answer, Endpoint, ReceivedCall } from "./endpoint.ts";
import { type FaultAction, FaultPlan } from "./faults.ts";
import { createRandom } from "./random.ts";
import { patchSettings, type SimulatorSettings } from "./settings.ts";
import { CallCounter, type CallReport, type SimulatorStatistics } from "./statistics.ts";

/** The provider behind all endpoints: one account's limits, the faults, the latency and the books. */
export class Exchange {
  #settings: SimulatorSettings;
  #faults: FaultPlan;
  readonly #random: () => number;
  readonly #account = new Account();
  readonly #counter = new CallCounter();
  readonly #onCall: (report: CallReport) => void;

  constructor(settings: SimulatorSettings, seed: number, onCall: (report: CallReport) => void) {
    this.#settings = settings;
    this.#random = createRandom(seed);
    this.#faults = new FaultPlan(settings.faults, this.#random);
    this.#onCall = onCall;
  }

  get settings(): SimulatorSettings {
    return this.#settings;
  }

  configure(patch: unknown): void {
    this.#settings = patchSettings(this.#settings, patch);
    // The counts of faults that stay must not start anew.
    if (typeof patch === "object" && patch !== null && "faults" in patch)
      this.#faults = new FaultPlan(this.#settings.faults, this.#random);
  }

  statistics(): SimulatorStatistics {
    return this.#counter.read(this.#account.inFlight, this.#account.maxima());
  }

  resetStatistics(): void {
    this.#counter.reset();
    this.#account.resetMaxima(performance.now(), this.#settings.limits.windowMs);
  }

  /** Checks, counts, answers. Resolves when the answer has been handed over. */
  async serve(endpoint: Endpoint, call: ReceivedCall, response: ServerResponse): Promise<void> {
    const checked = endpoint.check(call);
    if ("refusal" in checked) {
      this.#report({ path: endpoint.path, texts: [], tokens: 0, outcome: "refused" });
      deliver(response, checked.refusal, undefined);
      return;
    }
    const { accepted } = checked;
    const { texts, tokens } = accepted;
    const limit = this.#account.admit(performance.now(), tokens, this.#settings.limits);
    if (limit) {
      this.#report({ path: endpoint.path, texts, tokens, outcome: limit });
      deliver(response, endpoint.throttle(limit), undefined);
      return;
    }
    const release = onceOnly(() => this.#account.release());
    response.once("close", release);
    const fault = this.#faults.next(texts);
    this.#report({ path: endpoint.path, texts, tokens, outcome: fault ? "faulty" : "answered" });
    await this.#waitLatency(response);
    const { answer, delivery } = this.#compose(endpoint, accepted, fault);
    // The caller may call again the moment it has the last byte: the place must be free by then. A slow delivery
    // keeps it until the connection is done.
    if (delivery === undefined) release();
    deliver(response, answer, delivery);
  }

  #report(report: CallReport): void {
    this.#counter.add(report);
    this.#onCall(report);
  }

  async #waitLatency(response: ServerResponse): Promise<void> {
    const { fixedMs, jitterMs } = this.#settings.latency;
    const latencyMs = fixedMs + jitterMs * this.#random();
    if (latencyMs <= 0) return;
    const gone = new AbortController();
    const abort = () => gone.abort();
    response.once("close", abort);
    await sleep(latencyMs, undefined, { signal: gone.signal }).catch(() => undefined);
    response.off("close", abort);
  }

  #compose(
    endpoint: Endpoint,
    call: AcceptedCall,
    fault: FaultAction | undefined,
  ): { answer: Answer; delivery: DeliveryFault | undefined } {
    const whole = (answer: Answer) => ({ answer, delivery: undefined });
    if (isDeliveryFault(fault))
      return { answer: endpoint.succeed(call, this.#settings.vectors, undefined), delivery: fault };
    switch (fault?.type) {
      case "code":
        return whole(endpoint.fail(fault.code, fault.message));
      case "status":
        return whole({ status: fault.status, headers: fault.headers, body: [Buffer.from(fault.body)] });
      case "html":
        return whole({ status: fault.status, headers: { "content-type": "text/html" }, body: [HTML_PAGE] });
      case "empty":
        return whole({ status: 200, headers: { "content-type": "application/json" }, body: [] });
      default:
        return whole(endpoint.succeed(call, this.#settings.vectors, fault?.defect));
    }
  }
}

function onceOnly(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}

const HTML_PAGE = Buffer.from("<!doctype html><html><body><h1>Bad gateway</h1></body></html>");
