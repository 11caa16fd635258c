// Updates the search index of the run in the folder that its argument names, sends the progress, and exits.
import { setImmediate } from "node:timers/promises";
import { coerceError } from "#src/core/failures/errors.ts";
import type { IndexMessage } from "./index-in-child-process.ts";
import { updateSearchIndex } from "./search-index.ts";

process.once("disconnect", () => process.exit());
try {
  for (const progress of updateSearchIndex(process.argv[2] ?? "")) {
    send({ progress });
    // Lets the process notice that its parent has gone.
    await setImmediate();
  }
  send({ isComplete: true });
} catch (thrown) {
  send({ error: coerceError(thrown).message });
}
process.disconnect();

function send(message: IndexMessage): void {
  process.send?.(message);
}
