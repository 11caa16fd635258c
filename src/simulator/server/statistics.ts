import type { AccountMaxima, LimitName } from "./account.ts";

export type CallOutcome = "answered" | "refused" | "faulty" | LimitName;

/** One call, reported when its outcome is decided, before its latency. */
export interface CallReport {
  readonly path: string;
  readonly texts: readonly string[];
  readonly tokens: number;
  /** `refused`: invalid credentials or fields. Name of a limit: throttled by it. `faulty`: an injected fault. */
  readonly outcome: CallOutcome;
}

export interface SimulatorStatistics {
  readonly calls: number;
  readonly answered: number;
  readonly refused: number;
  readonly faulty: number;
  readonly throttled: Readonly<Record<LimitName, number>>;
  /** Texts of answered calls. */
  readonly texts: number;
  readonly tokens: number;
  readonly inFlight: number;
  readonly max: AccountMaxima;
}

/** Counts of calls by outcome. */
export class CallCounter {
  #counts: Record<CallOutcome, number> = emptyCounts();
  #texts = 0;
  #tokens = 0;

  add(report: CallReport): void {
    this.#counts[report.outcome] += 1;
    if (report.outcome !== "answered") return;
    this.#texts += report.texts.length;
    this.#tokens += report.tokens;
  }

  reset(): void {
    this.#counts = emptyCounts();
    this.#texts = 0;
    this.#tokens = 0;
  }

  read(inFlight: number, max: AccountMaxima): SimulatorStatistics {
    const { answered, refused, faulty, requests, tokens, concurrency } = this.#counts;
    return {
      calls: answered + refused + faulty + requests + tokens + concurrency,
      answered,
      refused,
      faulty,
      throttled: { requests, tokens, concurrency },
      texts: this.#texts,
      tokens: this.#tokens,
      inFlight,
      max,
    };
  }
}

function emptyCounts(): Record<CallOutcome, number> {
  return { answered: 0, refused: 0, faulty: 0, requests: 0, tokens: 0, concurrency: 0 };
}
