import { readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { SLUICE } from "../bench/sluice-command.ts";
import { type ExitedProcess, findProcesses, type RoundProcess, signalProcess, startNode } from "./processes.ts";
import { type DeliveredRecord, FAILED, hashVector, type WorkItem } from "./work.ts";
import type { ReportedCounts, Workload, WorkloadOptions } from "./workload.ts";

/** Fewer than the items, so that a part of them is only on disk. */
const WINDOW = 200;

const report = z.object({
  calls: z.object({ made: z.number(), paidTwice: z.number(), isLowerBound: z.boolean().optional() }),
  tokens: z.number(),
  cost: z.object({ amount: z.number() }),
  items: z.object({ succeeded: z.number(), failed: z.number() }),
});

const embeddingLine = z.object({ id: z.string(), status: z.string() });
const answerLine = z.object({
  custom_id: z.string(),
  response: z.object({
    body: z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1) }),
  }),
});
const errorLine = z.object({ custom_id: z.string() });

/** `sluice embed` or `sluice batch`, started again until it has finished. */
export class RunWorkload implements Workload {
  readonly items: readonly WorkItem[];
  readonly out: string;
  readonly #kind: "embed" | "batch";
  readonly #options: WorkloadOptions;
  #process: RoundProcess | undefined;
  #kills = 0;
  #stops = 0;
  #starts = 0;
  finished: Promise<void> = Promise.resolve();

  constructor(kind: "embed" | "batch", options: WorkloadOptions) {
    this.#kind = kind;
    this.#options = options;
    this.items = options.items;
    this.out = join(options.folder, "out");
  }

  async start(): Promise<void> {
    await mkdir(this.out, { recursive: true });
    const lines = this.items.map(({ id, text }) =>
      JSON.stringify(
        this.#kind === "embed"
          ? { id, text }
          : {
              custom_id: id,
              method: "POST",
              url: "/v1/chat/completions",
              body: { messages: [{ role: "user", content: text }] },
            },
      ),
    );
    await writeFile(join(this.#options.folder, "items.jsonl"), `${lines.join("\n")}\n`);
    this.finished = this.#supervise();
  }

  async #supervise(): Promise<void> {
    for (;;) {
      const started = this.#spawn();
      this.#process = started;
      const exited = await started.exit;
      if (exited.code === 0 || exited.code === 1) return;
      if (exited.signal === "SIGKILL" && this.#kills > 0) this.#kills -= 1;
      else if (this.#stops > 0) this.#stops -= 1;
      else throw new Error(`sluice ${this.#kind} ended with ${describeExit(exited)}`);
    }
  }

  #spawn(): RoundProcess {
    const model = this.#kind === "embed" ? "minimax/embo-01" : "minimax/MiniMax-Text-01";
    const format = this.#kind === "embed" ? ["--format", "npy"] : [];
    const args = [this.#kind, "items.jsonl", "--model", model, "--out", "out", "--json", "--workers", "2", ...format];
    this.#starts += 1;
    const prefix = this.#starts === 1 ? this.#options.prefix : [];
    return startNode([SLUICE, ...args, "--window", String(WINDOW)], this.#options, prefix);
  }

  killCommand(): void {
    this.#kills += 1;
    signalProcess(this.commandPid(), "SIGKILL");
  }

  commandPid(): number {
    return this.#process?.pid ?? 0;
  }

  workerPids(): number[] {
    return findProcesses(this.#options.folder, "worker");
  }

  allowStops(times: number): void {
    this.#stops = times;
  }

  async stop(): Promise<void> {}

  async readRecords(): Promise<DeliveredRecord[]> {
    if (this.#kind === "batch") return await this.#readAnswers();
    const bytes = await readFile(join(this.out, "vectors.npy"));
    const dataAt = 10 + bytes.readUInt16LE(8);
    const lines = readLines(join(this.out, "items.jsonl"), embeddingLine);
    const size = (bytes.length - dataAt) / Math.max(1, lines.length);
    return lines.map(({ id, status }, row) => {
      const vector = Uint8Array.from(bytes.subarray(dataAt + row * size, dataAt + (row + 1) * size));
      return { id, answer: status === "ok" ? hashVector(new Float32Array(vector.buffer)) : FAILED };
    });
  }

  /** The answers in their order. Failed requests are in another file, so they come after them. */
  async #readAnswers(): Promise<DeliveredRecord[]> {
    const answers = readLines(join(this.out, "output.jsonl"), answerLine).map(({ custom_id, response }) => ({
      id: custom_id,
      answer: response.body.choices[0]?.message.content ?? "",
    }));
    const failed = readLines(join(this.out, "errors.jsonl"), errorLine).map(({ custom_id }) => ({
      id: custom_id,
      answer: FAILED,
    }));
    return [...answers, ...failed];
  }

  async readReport(): Promise<ReportedCounts> {
    const manifest = report.parse(JSON.parse(await readFile(join(this.out, "run.json"), "utf8")));
    const { made, paidTwice, isLowerBound = false } = manifest.calls;
    return { made, paidTwice, isLowerBound, tokens: manifest.tokens, cost: manifest.cost.amount, ...manifest.items };
  }
}

function readLines<T>(path: string, schema: z.ZodType<T>): T[] {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // errors.jsonl is absent without errors; a missing output shows as lost items.
  }
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => schema.parse(JSON.parse(line)));
}

function describeExit({ code, signal, stderr }: ExitedProcess): string {
  return `${signal ?? `code ${code}`}: ${stderr.trim().slice(-600)}`;
}
