import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { RedisClient } from "#src/redis/script.ts";
import { resolvePrivateFiles } from "./server-files.ts";

/** Much longer than the server needs to write a file. */
const MIN_AGE_MS = 3600_000;

/**
 * Makes the private Redis of the folder `home` rewrite its append-only file in the background, without what was deleted.
 * Deletes the temporary files of servers that were killed.
 */
export async function compactPrivateData(client: RedisClient, home: string): Promise<void> {
  // Rejected while the server is already rewriting the file.
  await client.bgrewriteaof().catch(() => undefined);
  const { data } = resolvePrivateFiles(join(home, ".sluice", "redis"));
  for (const folder of [data, join(data, "appendonlydir")]) {
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name);
      const isOld = await stat(path).then(
        ({ mtimeMs }) => Date.now() - mtimeMs > MIN_AGE_MS,
        () => false,
      );
      if (name.startsWith("temp-") && isOld) await rm(path, { force: true });
    }
  }
}
