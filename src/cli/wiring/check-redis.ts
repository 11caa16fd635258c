import { assertServerUsable, checkServer } from "#src/redis/check-server.ts";
import type { RedisSource } from "#src/redis/connection.ts";

export interface ServerWarning {
  readonly message: string;
  readonly hint?: string;
}

/** Throws if the server would break the promises of Sluice; returns warnings about anything less severe. */
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
