// The product at work in one round: a command with its workers, or a client program with separate workers.
import type { DeliveredRecord, WorkItem } from "./work.ts";

/** The numbers of the product's own report that are compared with the simulator's. */
export interface ReportedCounts {
  readonly made: number;
  readonly paidTwice: number;
  /** The report says that calls may be missing from these numbers. */
  readonly isLowerBound: boolean;
  readonly tokens: number;
  readonly cost: number;
  readonly succeeded: number;
  readonly failed: number;
}

export interface Workload {
  readonly items: readonly WorkItem[];
  /** The output folder; undefined for client items. */
  readonly out: string | undefined;
  start(): Promise<void>;
  /** Kills the command, or the client program, which is then started again. */
  killCommand(): void;
  commandPid(): number;
  workerPids(): number[];
  /** The command may stop with an error, and is then started again, this many more times. */
  allowStops(times: number): void;
  /** Resolves when the work is finished. Rejects if a process ends in a way that no fault explains. */
  readonly finished: Promise<void>;
  /** Stops separate workers. */
  stop(): Promise<void>;
  readRecords(): Promise<readonly DeliveredRecord[]>;
  /** Undefined for client items, which have no report. */
  readReport(): Promise<ReportedCounts | undefined>;
}

export interface WorkloadOptions {
  /** Working directory with a sluice.yaml. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly items: readonly WorkItem[];
  /** A command that runs the first command of the round. */
  readonly prefix?: readonly string[];
}
