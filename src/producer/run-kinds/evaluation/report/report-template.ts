import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import { REPORT_MARKER } from "#src/evaluation/report/report-elements.ts";

/** Where the bundled template can be: beside the compiled code in a package, or in dist of a checkout. */
const FILES = ["../../../../report.html", "../../../../../dist/report.html"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** The parts of the template before and after the data. Rejects with a RunError if it has not been built. */
export async function readReportTemplate(): Promise<readonly [before: string, after: string]> {
  for (const file of FILES) {
    try {
      const [before, after] = (await readFile(file, "utf8")).split(REPORT_MARKER);
      if (before !== undefined && after !== undefined) return [before, after];
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
  }
  throw new RunError(
    "the template of reports has not been built",
    'Run "npm run bootstrap" in the checkout of Sluice.',
  );
}
