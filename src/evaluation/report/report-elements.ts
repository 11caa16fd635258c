/**
 * Where a report has its data: elements of this type, each with JSON that is compressed with gzip and encoded as base64, so that no
 * text of a user can be read as HTML. One has the id `head` (`ReportHead`), the others the attribute `rows` (lists of `ReportRow`).
 */
export const REPORT_ELEMENTS = { type: "application/octet-stream", head: "report-head", rows: "data-rows" } as const;

/** Where the template of reports has a place for these elements. */
export const REPORT_MARKER = "<!--report-data-->";
