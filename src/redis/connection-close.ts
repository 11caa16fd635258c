import { type Cluster, Redis } from "ioredis";

/** How long `close` waits for pending replies before it disconnects. */
const QUIT_TIMEOUT_MS = 2_000;
/** Longer than the longest reconnection delay plus a connection attempt. */
const END_TIMEOUT_MS = 8_000;

/** Resolves when the connection is closed, or after 8 s if the client never emits "end". */
export async function closeClient(client: Redis | Cluster): Promise<void> {
  if (client.status === "end") return;
  const end = new Promise<void>((resolve) => client.once("end", () => resolve()));
  // Auto-pipelined commands are sent at the end of this turn of the event loop; QUIT must not overtake them.
  await new Promise((resolve) => setImmediate(resolve));
  if (client.status === "ready" && !isBlocking(client)) {
    const quitTimer = setTimeout(() => client.disconnect(), QUIT_TIMEOUT_MS);
    client.once("end", () => clearTimeout(quitTimer));
    // Not awaited: a client that waits for a lost node of a Cluster never settles it.
    client.quit().catch(() => client.disconnect());
  } else if (client.status !== "reconnecting") {
    client.disconnect();
  } else if (client instanceof Redis) {
    // Between two connection attempts, disconnect() would cancel the next attempt without emitting "end", and waiting
    // commands would never settle. Starting an attempt and cutting it settles them.
    client.connect().catch(() => {});
    client.disconnect();
  } else {
    // A cluster client makes one more attempt, because its retry strategy returns no delay while closing.
    client.once("ready", () => client.disconnect());
  }
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, END_TIMEOUT_MS);
  });
  await Promise.race([end, timedOut]);
  clearTimeout(timer);
}

/** QUIT would wait for a blocking command to finish. */
function isBlocking(client: Redis | Cluster): boolean {
  return client instanceof Redis && client.options.connectionName?.startsWith("sluice:blocking:") === true;
}
