/**
 * Purpose of a connection: short commands, blocking commands, or BullMQ (which creates and closes its own blocking
 * duplicates).
 */
export type RedisRole = "commands" | "blocking" | "bullmq";

export type RedisEvent =
  | {
      readonly kind: "error";
      readonly role: RedisRole;
      readonly message: string;
      /** Errors of all connections with this message that were not reported since the last event with it. */
      readonly suppressed: number;
    }
  /** The first established connection was lost; commands wait and are sent again after reconnection. */
  | { readonly kind: "disconnected"; readonly role: RedisRole }
  /** All connections are established again. */
  | { readonly kind: "reconnected"; readonly role: RedisRole }
  /** A stored value could not be read and was skipped; once per place and connection. See `reportMalformed`. */
  | { readonly kind: "malformed"; readonly role: RedisRole; readonly place: string };

/** A connection event as a sentence. */
export function describeRedisEvent(event: RedisEvent): string {
  switch (event.kind) {
    case "disconnected":
      return "lost the connection to Redis; reconnecting";
    case "reconnected":
      return "reconnected to Redis";
    case "malformed":
      return `Redis: skipped a malformed value in ${event.place}`;
    case "error":
      return `Redis: ${event.message}`;
  }
}
