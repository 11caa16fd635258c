import { join } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatCount } from "#src/cli/format/format-number.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { readVersion } from "#src/cli/version.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { EVALUATION_FILES } from "#src/producer/output/result-writer.ts";
import { writeReport } from "#src/producer/run-kinds/evaluation/report/write-report.ts";
import type { reportCommand } from "./definition.ts";

/** `sluice report` */
export async function runReport(dirs: readonly string[], options: OptionValues<typeof reportCommand>): Promise<number> {
  const [first = ".", ...others] = dirs;
  const file = options.out ?? (others.length === 0 ? join(first, EVALUATION_FILES.report) : "comparison.html");
  const interrupt = listenForInterrupt();
  try {
    const rows = await writeReport(dirs, file, {
      ...{ comparison: options, sluice: readVersion(), now: Date.now(), signal: interrupt.signal },
      language: options.lang === "auto" ? undefined : options.lang,
    });
    process.stdout.write(options.json ? `${JSON.stringify({ file, rows })}\n` : describeReport(file, rows));
    return EXIT_CODES.ok;
  } finally {
    interrupt.dispose();
  }
}

function describeReport(
  file: string,
  { included, total }: { readonly included: number; readonly total: number },
): string {
  const note =
    included === total
      ? ""
      : `It contains the ${formatCount(included)} worst of ${formatCount(total)} rows; all other values are about all of them.\n`;
  return `${file}\n${note}`;
}
