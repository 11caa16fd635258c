import { checkServer, refuseUnfitServer } from "../redis/check-server.ts";
import type { RedisSource } from "../redis/connection.ts";

export interface CheckLine {
  readonly message: string;
  readonly mend?: string;
}

/** Refuses a server that would break the promises, and returns what is merely worth saying aloud. */
export async function checkRedis(source: RedisSource): Promise<CheckLine[]> {
  const client = source.connect("commands");
  try {
    const check = await checkServer(client);
    refuseUnfitServer(check);
    return check.findings.filter((finding) => finding.level === "warning");
  } finally {
    client.disconnect();
  }
}
