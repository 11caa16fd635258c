import { createJsonEvents } from "./create-json-events.ts";
import { createPanel } from "./create-panel.ts";
import { createPlainLines } from "./create-plain-lines.ts";
import type { Now, Output, RunReporter } from "./run-reporter.ts";

export interface ReporterOptions {
  readonly json: boolean;
  readonly noColor: boolean;
  readonly out: Output;
  readonly now?: Now;
}

/** The reporter that suits the stream: JSON when asked for, a panel on a terminal, plain lines elsewhere. */
export function createReporter({ json, noColor, out, now = Date.now }: ReporterOptions): RunReporter {
  // A reader that went away (`| head`, a closed terminal) must not end a run that has hours of work behind it.
  out.on("error", () => undefined);
  if (json) return createJsonEvents(out, now);
  return out.isTTY ? createPanel(out, { color: !noColor, now }) : createPlainLines(out, now);
}
