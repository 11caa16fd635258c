import { systemClock } from "#src/core/clock.ts";
import { createJsonEvents } from "./create-json-events.ts";
import { createPanel } from "./create-panel.ts";
import { createPlainLines } from "./create-plain-lines.ts";
import type { OutputStream, ReporterClock, RunReporter } from "./run-reporter.ts";

export interface ReporterOptions {
  readonly json: boolean;
  readonly noColor: boolean;
  readonly out: OutputStream;
  /** A terminal that cannot move its cursor (TERM=dumb, for example a shell in an editor or a serial console). */
  readonly isDumbTerminal?: boolean;
  readonly clock?: ReporterClock;
}

/** The reporter for a stream: JSON events on request, a panel on terminals that support one, plain lines elsewhere. */
export function createReporter(options: ReporterOptions): RunReporter {
  const { json, noColor, out, isDumbTerminal = false, clock = systemClock } = options;
  // A reader that has gone (`| head`, a closed terminal) must not end a run with hours of work behind it.
  out.on("error", () => undefined);
  if (json) return createJsonEvents(out, clock);
  return out.isTTY && !isDumbTerminal ? createPanel(out, { color: !noColor, clock }) : createPlainLines(out, clock);
}
