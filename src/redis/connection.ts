import { once } from "node:events";
import { type Clock, systemClock } from "#src/core/clock.ts";
import { coerceError } from "#src/core/failures/errors.ts";
import { closeClient } from "./connection-close.ts";
import { createUnreachableError } from "./connection-errors.ts";
import { OutageReporter } from "./outage-reporter.ts";
import { createRedisClient, readTlsFiles, reconnectDelay } from "./redis-client.ts";
import type { RedisEvent, RedisRole } from "./redis-event.ts";
import type { RedisClient } from "./script.ts";
import { MALFORMED_EVENT } from "./stored-json.ts";
import type { RedisTarget } from "./url.ts";

export interface RedisSource {
  readonly target: RedisTarget;
  /** Opens a connection that reconnects without limit; meanwhile its commands wait. The source closes it. */
  connect(role: RedisRole): RedisClient;
  /** Closes all established connections and opens them again. Their commands are sent again. */
  reconnect(): void;
  /** Connects once, without retrying; throws a RunError that names the server and the reason. */
  assertReachable(): Promise<void>;
  /** Waits for pending replies, closes all connections of this source, and resolves when they are closed. */
  close(): Promise<void>;
}

export interface RedisSourceOptions {
  readonly onEvent?: (event: RedisEvent) => void;
  readonly clock?: Clock;
  /** Returns a random number in [0, 1) for the reconnection jitter. */
  readonly random?: () => number;
  /** A connection without any reply for this long, in ms, is opened again. */
  readonly replyTimeoutMs?: number;
}

const MAX_MALFORMED_EVENTS = 100;

/** Opens no connection before the first `connect` or `assertReachable`. Throws a ConfigError for an unreadable TLS file. */
export function openRedis(target: RedisTarget, options: RedisSourceOptions = {}): RedisSource {
  const { onEvent = () => {}, clock = systemClock, random = Math.random, replyTimeoutMs } = options;
  const tls = target.kind === "socket" || target.tls === undefined ? undefined : readTlsFiles(target.tls);
  const open = new Set<RedisClient>();
  let closing = false;
  const report = (event: RedisEvent) => {
    if (!closing) onEvent(event);
  };
  const outages = new OutageReporter(clock, report);
  const delay = (attempt: number) => (closing ? null : reconnectDelay(attempt, random()));
  return {
    target,
    connect(role) {
      const client = createRedisClient(target, {
        name: `sluice:${role}:${process.pid}`,
        // On a cluster, a pipelined command waits for an unavailable node; a single command is redirected.
        autoPipelining: role === "commands" && target.kind !== "cluster",
        lazyConnect: false,
        tls,
        delay,
        replyTimeoutMs,
        // The command waits for a master, so nothing else would show the reason.
        onReadonly: (error) => outages.recordError(role, error),
      });
      forwardEvents(client, role, outages);
      forwardMalformed(client, role, report);
      open.add(client);
      client.once("end", () => open.delete(client));
      return client;
    },
    reconnect() {
      for (const client of open) if (client.status === "ready") client.disconnect(true);
    },
    async assertReachable() {
      const client = createRedisClient(target, {
        name: `sluice:reach:${process.pid}`,
        autoPipelining: false,
        lazyConnect: true,
        tls,
        delay: () => null,
        replyTimeoutMs,
      });
      let last: Error | undefined;
      // A cluster's own error only says that no node could be reached; the reasons are in the errors of the nodes.
      for (const event of ["error", "node error"]) {
        client.on(event, (error: Error) => {
          if (last === undefined || event === "node error") last = error;
        });
      }
      try {
        const answered = client.connect().then(() => client.ping());
        // ioredis never settles the attempt on some Clusters that are still starting. A single server may load its data for
        // longer.
        await (target.kind === "cluster" ? Promise.race([answered, rejectAfterProbeLimit()]) : answered);
      } catch (error) {
        throw createUnreachableError(target, last ?? coerceError(error));
      } finally {
        await closeClient(client);
      }
    },
    async close() {
      closing = true;
      outages.stop();
      await Promise.all([...open].map(closeClient));
    },
  };
}

const PROBE_TIMEOUT_MS = 10_000;

async function rejectAfterProbeLimit(): Promise<never> {
  await once(AbortSignal.timeout(PROBE_TIMEOUT_MS), "abort");
  throw new Error(`no answer within ${PROBE_TIMEOUT_MS / 1_000} s`);
}

function forwardEvents(client: RedisClient, role: RedisRole, outages: OutageReporter): void {
  let isUp = false;
  client.on("error", (error: Error) => outages.recordError(role, error));
  client.on("ready", () => {
    isUp = true;
    outages.recordReady(role, client);
  });
  // Not "close", which a connection that is closed on purpose emits too.
  client.on("reconnecting", () => {
    if (isUp) outages.recordLost(role, client);
    isUp = false;
  });
  client.once("end", () => outages.forget(client));
}

function forwardMalformed(client: RedisClient, role: RedisRole, report: (event: RedisEvent) => void): void {
  const malformed = new Set<string>();
  client.on(MALFORMED_EVENT, (place: string) => {
    if (malformed.has(place) || malformed.size >= MAX_MALFORMED_EVENTS) return;
    malformed.add(place);
    report({ kind: "malformed", role, place });
  });
}
