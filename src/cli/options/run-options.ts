import type { Command } from "commander";
import { parseByteSize, parseNonNegativeNumber, parsePositiveInteger, parseWorkerCount } from "./parse-option.ts";

/** What every command understands that plans a run and brings it to its end; `items` is what its input holds. */
export function addRunOptions(command: Command, items: "items" | "requests"): Command {
  command.option("--limit <n>", `stop after this many ${items}`, parsePositiveInteger);
  addCoordinatorOptions(command, "the run");
  return command
    .option(
      "--cache [dir]",
      "answer what was answered before from this folder (default: .sluice/cache), and keep what is new there",
    )
    .option("--cache-size <size>", "what the cache may hold, such as 500MB (default: 2GB)", parseByteSize)
    .option("--dry-run", "say what would be done, and send nothing", false)
    .option("--skip-invalid", "leave out what cannot be used, instead of refusing to start", false)
    .option("--force", "throw away what the output folder holds of another run", false)
    .option("--json", "one JSON object per event on standard output", false);
}

/** What every command understands that brings a run to its end; `what` is what its cost is the cost of. */
export function addCoordinatorOptions(command: Command, what: string): Command {
  return command
    .option("--window <n>", "items in Redis at once", parsePositiveInteger)
    .option(
      "--workers <n>",
      "worker processes to start (default: one per core); 0 leaves the work to workers running elsewhere",
      parseWorkerCount,
    )
    .option(
      "--max-cost <amount>",
      `stop cleanly before ${what} costs more than this, in the currency of its models' price`,
      parseNonNegativeNumber,
    );
}
