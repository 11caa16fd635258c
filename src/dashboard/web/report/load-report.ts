import type { ReportHead, ReportRow } from "#src/evaluation/report/report-data.ts";
import { REPORT_ELEMENTS } from "#src/evaluation/report/report-elements.ts";

/** The data of the report except its rows. */
export async function loadHead(): Promise<ReportHead> {
  const element = document.getElementById(REPORT_ELEMENTS.head);
  if (element === null) throw new Error("the file is incomplete");
  return (await decode(element)) as ReportHead;
}

/** Passes on all rows in blocks, and frees their encoded form. */
export async function loadRows(onRows: (rows: readonly ReportRow[]) => void): Promise<void> {
  for (const element of document.querySelectorAll(`script[${REPORT_ELEMENTS.rows}]`)) {
    onRows((await decode(element)) as ReportRow[]);
    element.remove();
  }
}

/** `sluice report` wrote the file, and checked what it contains. */
async function decode({ textContent }: Element): Promise<unknown> {
  const binary = atob(textContent ?? "");
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return await new Response(stream).json();
}
