// The simulated provider of one round, and its own counts, which share nothing with those of the product.
import type { CallReport } from "#src/simulator/server/statistics.ts";
import { SIMULATOR_API_KEY, type Simulator, type SimulatorOptions, startSimulator } from "#src/simulator/simulator.ts";

export class Upstream {
  readonly simulator: Simulator;
  /** All calls that arrived, refused and faulty ones included. */
  calls = 0;
  /** Calls that were answered, and so paid. */
  answered = 0;
  /** Tokens of each call with one text, by text. */
  readonly tokens = new Map<string, number>();
  /** The texts of each answered call. */
  readonly #answers: (readonly string[])[] = [];
  readonly #seen = new Set<string>();
  #waiting: { readonly texts: number; readonly resolve: () => void }[] = [];

  private constructor(simulator: Simulator) {
    this.simulator = simulator;
  }

  static async start(options: SimulatorOptions): Promise<Upstream> {
    let upstream: Upstream | undefined;
    const simulator = await startSimulator({ ...options, onCall: (report) => upstream?.record(report) });
    upstream = new Upstream(simulator);
    return upstream;
  }

  get apiKey(): string {
    return SIMULATOR_API_KEY;
  }

  /** Distinct texts that were answered. */
  get texts(): number {
    return this.#seen.size;
  }

  record({ outcome, texts, tokens }: CallReport): void {
    this.calls += 1;
    if (outcome !== "answered") return;
    this.answered += 1;
    this.#answers.push(texts);
    for (const text of texts) this.#seen.add(text);
    if (texts.length === 1) this.tokens.set(texts[0] ?? "", tokens);
    const reached = this.#waiting.filter((waiting) => waiting.texts <= this.#seen.size);
    this.#waiting = this.#waiting.filter((waiting) => waiting.texts > this.#seen.size);
    for (const { resolve } of reached) resolve();
  }

  /**
   * The least number of answered calls that were paid in vain. A call was useful if a record came from it, so at most as
   * many were as calls can be matched with a text of their own.
   */
  countLeastPaidTwice(): number {
    const callOf = new Map<string, number>();
    const claim = (call: number, tried: Set<string>): boolean =>
      (this.#answers[call] ?? []).some((text) => {
        if (tried.has(text)) return false;
        tried.add(text);
        const other = callOf.get(text);
        if (other !== undefined && !claim(other, tried)) return false;
        callOf.set(text, call);
        return true;
      });
    return this.#answers.filter((_, call) => !claim(call, new Set())).length;
  }

  /** Resolves when so many distinct texts were answered. */
  reach(texts: number): Promise<void> {
    if (this.#seen.size >= texts) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ texts, resolve });
    });
  }
}
