import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SearchIndexes } from "#src/dashboard/items/search-indexes.ts";
import type { ItemFinder } from "#src/producer/items/item-finder.ts";
import { writeRunDatabase } from "#test/support/runs/run-database-folder.ts";
import { waitFor } from "#test/support/wait-for.ts";

test("new answers are added by the next search after an update that failed", async () => {
  const dir = mkdtempSync(join(tmpdir(), "sluice-indexes-"));
  const indexes = new SearchIndexes();
  const finder = { hasSearchIndex: true, hasNewAnswers: () => true } as ItemFinder;
  try {
    // It fails, because there is no database yet.
    expect(await indexes.prepare(dir, finder)).toBeUndefined();
    await waitFor(() => !process.getActiveResourcesInfo().includes("ProcessWrap"));
    await writeRunDatabase(dir, [{ id: "a", text: "word", tokens: 1 }]);
    await waitFor(async () => {
      expect(await indexes.prepare(dir, finder)).toBeUndefined();
      return existsSync(join(dir, "run-search.db"));
    });
  } finally {
    indexes.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
