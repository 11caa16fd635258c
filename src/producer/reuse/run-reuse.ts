import type { Clock } from "../../core/clock.ts";
import type { Item } from "../../core/item.ts";
import { type AnswerClaims, CLAIM_MS } from "../../queue/answer-claims.ts";
import type { WireRecord } from "../../queue/record-codec.ts";
import type { AnswerCache } from "./answer-cache.ts";
import type { KeyOf } from "./answer-key.ts";
import { type Answer, decodeFrame, encodeFrame } from "./cache-frame.ts";

export interface RunReuseDeps {
  readonly cache: AnswerCache;
  readonly claims: AnswerClaims;
  readonly keyOf: KeyOf;
  /** Floats of the run's vectors, 0 while not known: a vector of another length is no answer. */
  readonly dimensions?: () => number;
  readonly clock: Clock;
  /** Told once, when items begin to wait for another run. */
  readonly onWaiting?: () => void;
}

/** What came of looking at items: those that are to be sent, and the records of those that need not be. */
export interface Sifted {
  readonly send: readonly Item[];
  readonly records: readonly WireRecord[];
}

interface Question {
  readonly item: Item;
  readonly key: Buffer;
  readonly hash: string;
}

/** Enough to tell questions apart that are asked at the same time. */
const HASH_HEX = 32;
const RENEW_EVERY_MS = CLAIM_MS / 3;
/** Texts that wait for other runs' answers, in memory. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/**
 * Keeps a run from asking what is known, or is being asked. Items whose answer is in the cache are answered from it;
 * the others are claimed, and those that another run has claimed wait until its answer is there, or it is gone.
 */
export class RunReuse {
  readonly #deps: RunReuseDeps;
  /** Claimed by this run and being asked, by item. */
  readonly #asked = new Map<number, Question>();
  readonly #waiting = new Map<number, Question>();
  #waitingBytes = 0;
  #settled: { readonly question: Question; readonly answer: Answer | undefined }[] = [];
  #settling: Promise<void> = Promise.resolve();
  #renewedAt: number;
  #hasToldOfWaiting = false;

  constructor(deps: RunReuseDeps) {
    this.#deps = deps;
    this.#renewedAt = deps.clock.now();
  }

  /** Items that wait for another run's answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Nothing more should be looked at before something that waits has come. */
  isFull(windowSize: number): boolean {
    return this.#waiting.size >= windowSize || this.#waitingBytes >= MAX_WAITING_BYTES;
  }

  /** Looks at items that have no record yet. */
  async sift(items: readonly Item[]): Promise<Sifted> {
    const send: Item[] = [];
    const questions: Question[] = [];
    for (const item of items) {
      const key = this.#deps.keyOf(item);
      // A run that is opened again in the middle looks at everything anew.
      this.#endWait(item);
      if (key) questions.push({ item, key, hash: key.toString("hex").slice(0, HASH_HEX) });
      else send.push(item);
    }
    const { records, missed } = await this.#find(questions);
    const sifted = await this.#claim(missed);
    send.push(...sifted.send);
    return { send: send.sort(byIndex), records: [...records, ...sifted.records] };
  }

  /** Looks again at items that wait. */
  async again(): Promise<Sifted> {
    const waiting = [...this.#waiting.values()];
    await this.#deps.cache.refresh();
    const { records, missed } = await this.#find(waiting);
    const sifted = await this.#claim(missed);
    const hasCome = new Set(sifted.send.map(({ index }) => index));
    for (const { index } of [...records, ...sifted.records]) hasCome.add(index);
    for (const { item } of waiting) if (hasCome.has(item.index)) this.#endWait(item);
    return { send: sifted.send, records: [...records, ...sifted.records] };
  }

  /** Items that are on their way without having been looked at, because they were before a process died. */
  async resume(items: readonly Item[]): Promise<void> {
    const questions = items.flatMap((item) => {
      const key = this.#deps.keyOf(item);
      return key ? [{ item, key, hash: key.toString("hex").slice(0, HASH_HEX) }] : [];
    });
    await this.#take(questions);
    for (const question of questions) this.#asked.set(question.item.index, question);
  }

  /** Keeps what was answered and gives its claims back, in the background. */
  recorded(records: readonly WireRecord[]): void {
    for (const record of records) {
      const question = this.#asked.get(record.index);
      if (!question) continue;
      this.#asked.delete(record.index);
      const answer = record.failure ? undefined : toAnswer(record);
      if (answer) this.#deps.cache.put(question.key, answer);
      this.#settled.push({ question, answer });
    }
    if (this.#settled.length > 0) this.#settling = this.#settling.then(() => this.#settle());
  }

  /** To be called about twice a second. A run that is paused lets go: who else wants an answer must not wait for it. */
  async tick({ isPaused = false }: { readonly isPaused?: boolean }): Promise<void> {
    const now = this.#deps.clock.now();
    if (isPaused || now - this.#renewedAt < RENEW_EVERY_MS) return;
    this.#renewedAt = now;
    const hashes = Array.from(this.#asked.values(), ({ hash }) => hash);
    await this.#deps.claims.renew(hashes).catch(() => undefined);
  }

  /** Gives everything back that is still claimed, and closes the cache. */
  async close(): Promise<void> {
    for (const question of this.#asked.values()) this.#settled.push({ question, answer: undefined });
    this.#asked.clear();
    this.#settling = this.#settling.then(() => this.#settle());
    await this.#settling;
    await this.#deps.cache.close();
  }

  async #find(questions: readonly Question[]): Promise<{ records: WireRecord[]; missed: Question[] }> {
    const answers = await this.#deps.cache.find(questions.map(({ key }) => key));
    const records: WireRecord[] = [];
    const missed: Question[] = [];
    for (const [i, question] of questions.entries()) {
      const record = this.#toRecord(question, answers[i]);
      if (record) records.push(record);
      else missed.push(question);
    }
    return { records, missed };
  }

  /**
   * Claims come before the last look: an answer that another run had when it let go of its claim was written before,
   * so whoever has the claim and does not find the answer is the one to ask.
   */
  async #claim(questions: readonly Question[]): Promise<Sifted> {
    if (questions.length === 0) return { send: [], records: [] };
    const claimed = await this.#take(questions);
    const ours: Question[] = [];
    const records: WireRecord[] = [];
    for (const [i, question] of questions.entries()) {
      const outcome = claimed[i] ?? "ours";
      const answer = typeof outcome === "string" ? undefined : decodeFrame(question.key, outcome.answer);
      const record = this.#toRecord(question, answer);
      if (record && answer) {
        records.push(record);
        this.#deps.cache.put(question.key, answer);
      } else if (outcome === "theirs") this.#wait(question);
      else ours.push(question);
    }
    const found = (await this.#deps.cache.refresh()) ? await this.#find(ours) : { records: [], missed: ours };
    const known = new Set(found.records.map(({ index }) => index));
    for (const question of ours) {
      if (known.has(question.item.index)) this.#settled.push({ question, answer: undefined });
      else this.#asked.set(question.item.index, question);
    }
    if (known.size > 0) this.#settling = this.#settling.then(() => this.#settle());
    return { send: found.missed.map(({ item }) => item), records: [...records, ...found.records] };
  }

  #wait(question: Question): void {
    if (this.#waiting.has(question.item.index)) return;
    this.#waiting.set(question.item.index, question);
    this.#waitingBytes += question.item.text.length;
    if (!this.#hasToldOfWaiting) this.#deps.onWaiting?.();
    this.#hasToldOfWaiting = true;
  }

  #endWait({ index, text }: Item): void {
    if (this.#waiting.delete(index)) this.#waitingBytes -= text.length;
  }

  /** Asking once instead of twice is a saving, and no reason to stop when Redis refuses (full, for one). */
  async #take(questions: readonly Question[]) {
    return await this.#deps.claims.take(questions.map(({ hash }) => hash)).catch(() => []);
  }

  async #settle(): Promise<void> {
    const settled = this.#settled.splice(0);
    if (settled.length === 0) return;
    await this.#deps.cache.flush();
    const byHash = new Map(settled.map((one) => [one.question.hash, one]));
    const answerOf = (hash: string) => {
      const { question, answer } = byHash.get(hash) ?? {};
      return question && answer && encodeFrame(question.key, answer);
    };
    await this.#deps.claims.settle([...byHash.keys()], answerOf).catch(() => undefined);
  }

  #toRecord({ item }: Question, answer: Answer | undefined): WireRecord | undefined {
    if (!answer) return undefined;
    const dimensions = this.#deps.dimensions?.() ?? 0;
    if (dimensions > 0 && answer.vector?.length !== dimensions * 4) return undefined;
    return { index: item.index, attempts: 0, ...answer };
  }
}

function toAnswer({ tokens, vector, json }: WireRecord): Answer | undefined {
  if (vector) return { tokens, vector };
  return json === undefined ? undefined : { tokens, json };
}

function byIndex(a: Item, b: Item): number {
  return a.index - b.index;
}
