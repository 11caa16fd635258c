import { type Cluster, Redis } from "ioredis";

/** How long `close` waits for replies under way before it cuts the connection. */
const QUIT_TIMEOUT_MS = 2_000;
/** Longer than the longest reconnection delay and a connection attempt together. */
const END_TIMEOUT_MS = 8_000;

/** Resolves when the connection is gone; a client that never says so is given up after a few seconds. */
export async function closeClient(client: Redis | Cluster): Promise<void> {
  if (client.status === "end") return;
  const end = new Promise<void>((resolve) => client.once("end", () => resolve()));
  // Commands gathered in this turn of the event loop leave at its end; QUIT must not overtake them.
  await new Promise((resolve) => setImmediate(resolve));
  if (client.status === "ready" && !isBlocking(client)) {
    const cut = setTimeout(() => client.disconnect(), QUIT_TIMEOUT_MS);
    await client.quit().catch(() => client.disconnect());
    clearTimeout(cut);
  } else if (client.status !== "reconnecting") {
    client.disconnect();
  } else if (client instanceof Redis) {
    // Between two tries there is nothing to disconnect: ioredis would cancel the next one, never reach "end", and
    // leave waiting commands unsettled. A try that is cut at once ends them all.
    client.connect().catch(() => {});
    client.disconnect();
  } else {
    // For a cluster the next try is the last one, because there is no further delay while closing.
    client.once("ready", () => client.disconnect());
  }
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, END_TIMEOUT_MS);
  });
  await Promise.race([end, timedOut]);
  clearTimeout(timer);
}

/** A blocking command ends when it likes, and QUIT would wait behind it. */
function isBlocking(client: Redis | Cluster): boolean {
  return client instanceof Redis && client.options.connectionName?.startsWith("sluice:blocking:") === true;
}
