import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { createReporter } from "#src/cli/progress/create-reporter.ts";
import type { RunReporter } from "#src/cli/progress/run-reporter.ts";
import type { Config } from "#src/config/config.ts";
import type { CommandLine } from "#src/producer/runs/command-line.ts";
import { RunStoppedError } from "#src/producer/runs/run-error.ts";
import type { TenantShare } from "#src/queues/payload.ts";
import { COORDINATOR_MESSAGES } from "./coordinator/coordinator-messages.ts";
import { listenForInterrupt } from "./interrupt.ts";

/** Options of every command that coordinates a run. */
export interface CoordinatorCommandOptions {
  readonly out: string;
  readonly window?: number;
  readonly workers?: number;
  /** Cost cap in the currency of the model's price. */
  readonly maxCost?: number;
  /** Whose run it is, if the HTTP API started it. */
  readonly tenant?: TenantShare;
  /** Keep the database of a run without failures. */
  readonly keepDb: boolean;
  /** The longest wait that a provider may ask for, in ms. */
  readonly maxWait?: number;
  /** Wait for low prices. */
  readonly offPeak?: boolean;
  /** Name and note of the run. */
  readonly name?: string;
  readonly note?: string;
  readonly json: boolean;
  readonly config?: string;
  readonly commandLine?: CommandLine;
}

/** What the steps of a command that coordinates a run share. */
export interface CommandContext {
  readonly config: Config;
  readonly options: CoordinatorCommandOptions;
  readonly reporter: RunReporter;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

const STOP_CODES: Partial<Record<RunStoppedError["reason"], number>> = {
  interrupted: EXIT_CODES.interrupted,
  "wait-too-long": EXIT_CODES.waitTooLong,
};

/** Calls `work` with a reporter and a signal, and reports why the run stopped if it does. Resolves with the exit code. */
export async function withCommandContext(
  config: Config,
  options: CoordinatorCommandOptions,
  work: (context: CommandContext) => Promise<number>,
): Promise<number> {
  const interrupt = listenForInterrupt();
  const reporter = createReporter({
    json: options.json,
    noColor: config.noColor,
    isDumbTerminal: config.isDumbTerminal,
    out: options.json ? process.stdout : process.stderr,
  });
  try {
    return await work({ config, options, reporter, signal: interrupt.signal });
  } catch (error) {
    if (!(error instanceof RunStoppedError)) throw error;
    const { message, hint = COORDINATOR_MESSAGES.resumeHint(options.out) } = error;
    reporter.end({ outcome: "stopped", message, hint });
    return STOP_CODES[error.reason] ?? EXIT_CODES.couldNotComplete;
  } finally {
    reporter.close();
    interrupt.dispose();
  }
}
