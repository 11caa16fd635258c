import type { Item } from "#src/core/item.ts";
import { type AmountRange, estimateCostRange, type TokenPrice } from "#src/core/money.ts";
import { estimateChatTokens } from "#src/producer/run-kinds/batch/chat-jobs.ts";

/** The data of a model that an estimate needs. */
export interface EstimatedModel {
  readonly price: TokenPrice | undefined;
  readonly maxOutputTokens: number | undefined;
}

/** Requests in the sample of each model; a few thousand give the average of any file to 1 or 2 %. */
const SAMPLE = 2_000;
/** Assumed maximum of output tokens if neither the request nor the model has one. */
const ANSWER_LIMIT = 4_096;

export type CostEstimate = AmountRange & { readonly currency: string };

/** The requests of one model without duplicates, and what they will probably use. */
export interface ChatEstimate {
  readonly requests: number;
  readonly inputTokens: number;
  /** Of answers of the likely length. */
  readonly outputTokens: number;
  /** Undefined if the price of the model is unknown. */
  readonly cost: CostEstimate | undefined;
}

/**
 * Estimates what each model of a chat run, named "provider/model", will use, from an even sample of its requests. `at` is
 * the time of the calls, epoch ms.
 */
export async function estimateChatRun(
  blocks: AsyncIterable<readonly Item[]>,
  items: number,
  models: ReadonlyMap<string, EstimatedModel>,
  at: number,
): Promise<ReadonlyMap<string, ChatEstimate>> {
  const every = Math.max(1, Math.floor(items / SAMPLE));
  const samples = new Map([...models].map(([name, model]) => [name, new ModelSample(model, every, at)]));
  for await (const block of blocks) {
    // A duplicate needs no call of its own.
    for (const item of block) if (item.duplicateOf === undefined) samples.get(String(item.metadata?.model))?.add(item);
  }
  return new Map([...samples].map(([name, sample]) => [name, sample.estimate()]));
}

/** Every n-th request of one model: those of several models may alternate. */
class ModelSample {
  readonly #model: EstimatedModel;
  readonly #every: number;
  readonly #at: number;
  #requests = 0;
  #sampled = 0;
  #input = 0;
  #output = 0;
  #cost: AmountRange | undefined = { low: 0, expected: 0, high: 0 };

  constructor(model: EstimatedModel, every: number, at: number) {
    this.#model = model;
    this.#every = every;
    this.#at = at;
  }

  add(item: Item): void {
    this.#requests += 1;
    if ((this.#requests - 1) % this.#every !== 0) return;
    const { price, maxOutputTokens } = this.#model;
    const { input, output, bounded } = estimateChatTokens(item);
    const limit = bounded ? output : Math.max(output, maxOutputTokens ?? ANSWER_LIMIT);
    const likely = bounded ? output / 2 : output;
    const range = price && estimateCostRange(price, { input, output: limit }, this.#at, likely);
    this.#sampled += 1;
    this.#input += input;
    this.#output += likely;
    this.#cost = this.#cost && range && addRanges(this.#cost, range);
  }

  estimate(): ChatEstimate {
    const scale = this.#sampled === 0 ? 0 : this.#requests / this.#sampled;
    const { currency } = this.#model.price ?? {};
    return {
      requests: this.#requests,
      inputTokens: this.#input * scale,
      outputTokens: this.#output * scale,
      cost: this.#cost && currency !== undefined ? { ...scaleRange(this.#cost, scale), currency } : undefined,
    };
  }
}

function addRanges(a: AmountRange, b: AmountRange): AmountRange {
  return { low: a.low + b.low, expected: a.expected + b.expected, high: a.high + b.high };
}

function scaleRange({ low, expected, high }: AmountRange, scale: number): AmountRange {
  return { low: low * scale, expected: expected * scale, high: high * scale };
}

/** The sum of all costs; undefined if one of them is unknown, or if they are in several currencies. */
export function sumCosts(costs: readonly (CostEstimate | undefined)[]): CostEstimate | undefined {
  const [first, ...others] = costs;
  return others.reduce(
    (sum, cost) =>
      sum && cost && sum.currency === cost.currency ? { ...addRanges(sum, cost), currency: sum.currency } : undefined,
    first,
  );
}

/** The part of a cost, such as that of the requests without a cached answer. */
export function scaleCost(cost: CostEstimate, share: number): CostEstimate {
  return { ...scaleRange(cost, share), currency: cost.currency };
}
