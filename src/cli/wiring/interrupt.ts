import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { RunStoppedError } from "#src/producer/runs/run-error.ts";

/**
 * Aborts at the first Ctrl-C or SIGTERM, so that the command can shut down cleanly. The second one ends the process
 * immediately, which costs at most the calls in flight.
 */
export function listenForInterrupt(): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(EXIT_CODES.interrupted);
    controller.abort(
      new RunStoppedError(
        "interrupted",
        "interrupted",
        "Nothing is lost. Run the same command again to resume where it stopped.",
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

export function waitForAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
