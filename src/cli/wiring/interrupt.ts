import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { RunStoppedError } from "#src/producer/runs/run-error.ts";

const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Aborts at the first Ctrl-C, SIGTERM or SIGHUP (a closed terminal), so that the command can shut down cleanly. The
 * second one ends the process immediately, which costs at most the calls in flight; but the shell and the kernel may both
 * send SIGHUP, so that one never counts as the second.
 */
export function listenForInterrupt(): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted && signal === "SIGHUP") return;
    if (controller.signal.aborted) process.exit(EXIT_CODES.interrupted);
    controller.abort(new RunStoppedError("interrupted", "interrupted"));
  };
  for (const name of STOP_SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of STOP_SIGNALS) process.off(name, onSignal);
    },
  };
}

export function waitForAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
