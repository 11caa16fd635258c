import { coerceError, RunError } from "#src/core/failures/errors.ts";
import { describeRedis, type RedisTarget } from "./url.ts";

/** When a connection to several addresses fails, the causes are nested one or two levels deep. */
export function describeConnectionError(error: Error): string {
  if (error instanceof AggregateError && error.message === "") {
    return error.errors.map((inner) => describeConnectionError(coerceError(inner))).join("; ");
  }
  // The words of ioredis for a connection without replies.
  const silent = /^Socket timeout\b.* (\d+)ms/.exec(error.message);
  if (silent) return `no reply for ${Number(silent[1]) / 1_000} s`;
  const last = "lastNodeError" in error ? error.lastNodeError : undefined;
  return last instanceof Error ? `${error.message} (${describeConnectionError(last)})` : error.message;
}

/** The error of a server that cannot be used, with what to check. */
export function createUnreachableError(target: RedisTarget, error: Error): RunError {
  const reason = describeConnectionError(error);
  // A cluster client has only this message if it could not connect to any node.
  const message = target.kind === "cluster" && reason === "Connection is closed." ? "no node could be reached" : reason;
  const hint = /NOAUTH|WRONGPASS|AUTH/.test(message)
    ? "Check the user and the password in REDIS_URL."
    : /certificate|self.signed|SSL|TLS|wrong version number/i.test(message)
      ? "Check that the server speaks TLS on this port (rediss://) and that its certificate is trusted (?ca=file)."
      : "Check REDIS_URL, or leave it unset to let Sluice run a private Redis.";
  return new RunError(`cannot use Redis at ${describeRedis(target)}: ${message}`, hint);
}
