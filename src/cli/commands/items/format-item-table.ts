import { formatDuration } from "#src/cli/format/format-duration.ts";
import { formatCount } from "#src/cli/format/format-number.ts";
import { formatTable } from "#src/cli/format/format-table.ts";
import type { ItemWithRecord } from "#src/producer/storage/run-reader.ts";

const MAX_ID_WIDTH = 32;
const MAX_ERROR_WIDTH = 44;
/** More does not fit on a line. */
const EXCERPT_CHARACTERS = 400;

/** One line per item, as wide as the terminal. */
export function formatItemTable(items: readonly ItemWithRecord[], width: number): string {
  const hasFailures = items.some(({ record }) => record?.failure);
  const rows = items.map(({ item, record, call }) => {
    const { failure } = record ?? {};
    const cells = [
      formatCount(item.index),
      item.id,
      record?.status ?? "waiting",
      formatCount(record?.tokens),
      formatCount(record?.attempts),
      formatDuration(call?.durationMs),
    ];
    const excerpt = item.text.slice(0, EXCERPT_CHARACTERS).replace(/\s+/g, " ").trim();
    return [...cells, ...(hasFailures ? [failure ? `${failure.kind}: ${failure.message}` : ""] : []), excerpt];
  });
  const columns = [
    { title: "#", align: "right" },
    { title: "id", maxWidth: MAX_ID_WIDTH },
    { title: "status" },
    { title: "tokens", align: "right" },
    { title: "attempts", align: "right" },
    { title: "duration", align: "right" },
    ...(hasFailures ? [{ title: "error", maxWidth: MAX_ERROR_WIDTH }] : []),
    { title: "text" },
  ] as const;
  return formatTable(columns, rows, { width });
}
