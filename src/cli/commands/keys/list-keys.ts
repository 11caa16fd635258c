import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { findApiKeyState } from "#src/state/api-keys/api-key.ts";
import type { keysListCommand } from "./definition.ts";
import { formatKeyTable, type ListedKey, toKeyJson } from "./describe-key.ts";
import { withKeyStore } from "./open-key-store.ts";

/** `sluice keys list` */
export async function runListKeys({ all, json, config }: OptionValues<typeof keysListCommand>): Promise<number> {
  const now = Date.now();
  const listed = await withKeyStore(config, async ({ store, usage }): Promise<ListedKey[]> => {
    const keys = (await store.list()).filter((key) => all || findApiKeyState(key, now) === "valid");
    return await Promise.all(keys.map(async (key) => ({ key, spending: (await usage.readUse(key)).spending })));
  });
  if (json) {
    const shown = listed.map(({ key, spending }) => ({ ...toKeyJson(key, now), spent: spending }));
    process.stdout.write(`${JSON.stringify({ keys: shown })}\n`);
  } else if (listed.length === 0) {
    process.stdout.write(`No API keys. "${SUGGESTED_COMMANDS.createKey()}" creates one.\n`);
  } else {
    process.stdout.write(`${formatKeyTable(listed, now, process.stdout.columns ?? Number.POSITIVE_INFINITY)}\n`);
  }
  return EXIT_CODES.ok;
}
