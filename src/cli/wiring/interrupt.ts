import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { RunStoppedError } from "#src/producer/runs/run-error.ts";

/**
 * Aborts at the first Ctrl-C or SIGTERM, so that the command can end in order; the second one ends it at once,
 * which costs at most the calls in flight.
 */
export function listenForInterrupt(): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(EXIT_CODES.interrupted);
    controller.abort(
      new RunStoppedError(
        "interrupted",
        "interrupted",
        "nothing is lost: the same command goes on where this one stopped",
      ),
    );
  };
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, onSignal);
    },
  };
}
