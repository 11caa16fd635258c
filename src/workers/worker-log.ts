import type { Clock } from "#src/core/clock.ts";

/**
 * Writes one line per event. Messages and fields never contain an input, an answer, a credential or an upstream body.
 */
export interface WorkerLog {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

export const silentLog: WorkerLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const REPEAT_INTERVAL_MS = 60_000;
const MAX_REMEMBERED = 1_000;

/**
 * Writes a warning that repeats with the same fields once, and then once a minute with the number of repetitions that were
 * left out: while Redis is unavailable, everything that uses it fails several times a second.
 */
export function throttleRepeatedWarnings(log: WorkerLog, clock: Clock): WorkerLog {
  const written = new Map<string, { at: number; repeated: number }>();
  return {
    ...log,
    warn(message, fields) {
      const key = JSON.stringify([message, fields]);
      const entry = written.get(key);
      if (entry && clock.monotonic() - entry.at < REPEAT_INTERVAL_MS) {
        entry.repeated += 1;
        return;
      }
      if (written.size >= MAX_REMEMBERED) written.clear();
      written.set(key, { at: clock.monotonic(), repeated: 0 });
      log.warn(message, entry?.repeated ? { ...fields, repeated: entry.repeated } : fields);
    },
  };
}
