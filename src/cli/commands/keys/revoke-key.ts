import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { type ApiKey, findApiKeyState } from "#src/state/api-keys/api-key.ts";
import type { keysRevokeCommand } from "./definition.ts";
import { withKeyStore } from "./open-key-store.ts";

/** `sluice keys revoke` */
export async function runRevokeKey(
  idOrName: string,
  { json, config }: OptionValues<typeof keysRevokeCommand>,
): Promise<number> {
  const { id, name } = await withKeyStore(config, async ({ store }) => {
    const key = selectKey(idOrName, await store.find(idOrName), Date.now());
    await store.revoke(key.id);
    return key;
  });
  process.stdout.write(json ? `${JSON.stringify({ id, name, state: "revoked" })}\n` : `revoked ${name} (${id})\n`);
  return EXIT_CODES.ok;
}

/** The key that is meant: one with a name that is not valid any more gives way to one that is. */
function selectKey(idOrName: string, found: readonly ApiKey[], now: number): ApiKey {
  const valid = found.find((key) => findApiKeyState(key, now) === "valid");
  if (valid) return valid;
  const [ended] = found;
  if (!ended) throw CLI_ERRORS.unknownKey(idOrName);
  return ended;
}
