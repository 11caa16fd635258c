import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { RunReader } from "#src/producer/storage/run-reader.ts";
import type { ExportedFailure } from "./cause-api.ts";
import { type CauseFilter, matchesCause } from "./cause-filter.ts";

const ITEMS_PER_READ = 500;

export interface ExportOptions {
  readonly filter: CauseFilter;
  /** Add each item's request. */
  readonly texts: boolean;
}

/** The failed items of a cause, in order, one JSON line each. Keeps at most one group of items in memory. */
export async function* exportCause(
  { dir, manifest }: RunFolder,
  { filter, texts }: ExportOptions,
): AsyncGenerator<string> {
  using reader = new RunReader(dir);
  for (let next = 0; ; ) {
    const found = reader.read(next, ITEMS_PER_READ);
    const last = found.at(-1);
    if (!last) return;
    next = last.item.index + 1;
    const lines: string[] = [];
    for (const { item, record } of found) {
      if (!record?.failure || !matchesCause(record.failure, filter)) continue;
      const line: ExportedFailure = {
        index: item.index,
        id: item.id,
        ...record.failure,
        attempts: record.attempts,
        ...(texts ? describeRequest(item.text, manifest.kind) : undefined),
      };
      lines.push(`${JSON.stringify(line)}\n`);
    }
    if (lines.length > 0) yield lines.join("");
  }
}

function describeRequest(text: string, kind: string): Pick<ExportedFailure, "text" | "request"> {
  if (kind !== "chat") return { text };
  try {
    return { request: JSON.parse(text) as unknown };
  } catch {
    return { text };
  }
}
