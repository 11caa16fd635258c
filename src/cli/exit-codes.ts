import { ConfigError, coerceError, InputError, RunError } from "#src/core/failures/errors.ts";
import { findRejection } from "#src/redis/write-rejection.ts";

/** The exit codes of all commands; documented in docs/errors.md. */
export const EXIT_CODES = {
  ok: 0,
  /** Some items failed; their errors are in the output. */
  itemsFailed: 1,
  /** `sluice verify`: the output differs from what the run wrote. */
  differs: 1,
  /** `sluice compare`: a gate failed. */
  gateFailed: 1,
  /** The command could not start or had to stop. Nothing is lost, and the message says what to do. */
  couldNotComplete: 2,
  /** A provider asked for a longer wait than --max-wait allows. Nothing is lost; the same command resumes the run. */
  waitTooLong: 3,
  interrupted: 130,
} as const;

/** The message of a failed command: what happened and what to do next. Only unexpected errors show a stack trace. */
export function describeError(thrown: unknown): string {
  const error = coerceError(thrown);
  if (error instanceof ConfigError) return error.problems.map((problem) => `sluice: ${problem}`).join("\n");
  if (error instanceof RunError) {
    return error.hint === undefined ? `sluice: ${error.message}` : `sluice: ${error.message}\n  ${error.hint}`;
  }
  const rejection = findRejection(error);
  if (rejection) return `sluice: Redis rejects commands: ${rejection.reason} (${rejection.code})\n  ${rejection.hint}`;
  if (error instanceof InputError || error.name === "UnknownModelError") return `sluice: ${error.message}`;
  return `sluice: unexpected ${error.name}: ${error.message}\n${error.stack ?? ""}`;
}
