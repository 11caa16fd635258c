import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { SLUICE } from "../bench/sluice-command.ts";
import { findProcesses, type RoundProcess, signalProcess, startNode } from "./processes.ts";
import type { DeliveredRecord, WorkItem } from "./work.ts";
import type { Workload, WorkloadOptions } from "./workload.ts";

const PROGRAM = fileURLToPath(new URL("client-program.ts", import.meta.url));
const WORKERS = 2;

const record = z.object({ id: z.string(), answer: z.string() });

/** A program that submits standalone items and waits for their records, and two workers. A process that is killed is started again. */
export class ClientWorkload implements Workload {
  readonly items: readonly WorkItem[];
  readonly out = undefined;
  readonly #options: WorkloadOptions;
  readonly #records: DeliveredRecord[] = [];
  readonly #workers: Promise<void>[] = [];
  #client: RoundProcess | undefined;
  #kills = 0;
  #isStopping = false;
  finished: Promise<void> = Promise.resolve();

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.items = options.items;
  }

  async start(): Promise<void> {
    await writeFile(join(this.#options.folder, "items.json"), JSON.stringify(this.items));
    for (let i = 0; i < WORKERS; i++) this.#workers.push(this.#superviseWorker());
    this.finished = Promise.race([this.#superviseClient(), ...this.#workers]);
  }

  async #superviseClient(): Promise<void> {
    for (;;) {
      const client = startNode([PROGRAM, "items.json"], { ...this.#options, onLine: (line) => this.#read(line) });
      this.#client = client;
      const { code, signal, stderr } = await client.exit;
      if (code === 0) return;
      if (signal !== "SIGKILL" || this.#kills === 0)
        throw new Error(`the client program ended with ${signal ?? code}: ${stderr.slice(-600)}`);
      this.#kills -= 1;
    }
  }

  async #superviseWorker(): Promise<void> {
    for (;;) {
      const { code, signal, stderr } = await startNode([SLUICE, "worker"], this.#options).exit;
      if (this.#isStopping) return;
      // A worker does not start without its Redis, or while that rejects writes; a process manager starts it again.
      if (signal !== "SIGKILL" && !/cannot use Redis|this Redis cannot be used/.test(stderr))
        throw new Error(`a worker ended with ${signal ?? code}: ${stderr.slice(-600)}`);
    }
  }

  #read(line: string): void {
    const { id, answer } = record.parse(JSON.parse(line));
    // A program that was killed reads again what it had read before; the record must be the same.
    if (this.#records.some((known) => known.id === id && known.answer === answer)) return;
    this.#records.push({ id, answer });
  }

  killCommand(): void {
    this.#kills += 1;
    signalProcess(this.commandPid(), "SIGKILL");
  }

  commandPid(): number {
    return this.#client?.pid ?? 0;
  }

  workerPids(): number[] {
    return findProcesses(this.#options.folder, "worker");
  }

  allowStops(): void {}

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const pid of this.workerPids()) signalProcess(pid, "SIGTERM");
    await Promise.all(this.#workers);
  }

  /** In the order of the items, because they arrive in any order. */
  async readRecords(): Promise<DeliveredRecord[]> {
    const positions = new Map(this.items.map(({ id }, position) => [id, position]));
    return this.#records.toSorted((a, b) => (positions.get(a.id) ?? 0) - (positions.get(b.id) ?? 0));
  }

  async readReport(): Promise<undefined> {}
}
