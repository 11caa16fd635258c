import { assertServerUsable, checkServer } from "#src/redis/check-server.ts";
import type { RedisSource } from "#src/redis/connection.ts";

export interface ServerWarning {
  readonly message: string;
  readonly hint?: string;
}

/** Refuses a server that would break the promises, and returns what is merely worth saying aloud. */
export async function checkRedis(source: RedisSource): Promise<ServerWarning[]> {
  const client = source.connect("commands");
  try {
    const check = await checkServer(client);
    assertServerUsable(check);
    return check.findings.filter((finding) => finding.level === "warning");
  } finally {
    client.disconnect();
  }
}
