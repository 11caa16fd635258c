import { z } from "zod";
import { ConfigError, coerceError } from "#src/core/errors.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { maxWorkers } from "./max-workers.ts";

/** One setting's value: what a reader expects, and whether what came may be repeated in a message. */
export interface ValueIssue {
  readonly expected: string;
  readonly echo: boolean;
}

/**
 * A schema for one value. `read` answers undefined for whatever it cannot use. `echo: false` keeps the value that
 * came out of the message: free text is where a key ends up when it is pasted into the wrong place.
 */
function value<T>(expected: string, read: (raw: unknown) => T | undefined, echo: boolean) {
  return z
    .unknown()
    .transform((raw, context): T => {
      const result = read(raw);
      if (result !== undefined) return result;
      context.addIssue({ code: "custom", params: { expected, echo } satisfies ValueIssue, input: raw });
      return z.NEVER;
    })
    .optional();
}

/** The form of a text value, as a phrase and a test. */
export function text(expected: string, accepts: (raw: string) => boolean = (raw) => raw.trim() !== "") {
  return value(expected, (raw) => (typeof raw === "string" && accepts(raw) ? raw.trim() : undefined), false);
}

export function choice<const T extends string>(choices: readonly T[]) {
  const expected = `expected ${listChoices(choices)}`;
  return value(expected, (raw) => choices.find((one) => one === raw), true);
}

function listChoices(choices: readonly string[]): string {
  const last = choices.at(-1) ?? "";
  return choices.length < 2 ? last : `${choices.slice(0, -1).join(", ")} or ${last}`;
}

export const positiveInteger = value(
  "expected a positive integer",
  (raw) => (typeof raw === "number" && Number.isSafeInteger(raw) && raw > 0 ? raw : undefined),
  true,
);

export const workerCount = value(
  `expected 0 to ${maxWorkers()} worker processes`,
  (raw) => (typeof raw === "number" && Number.isSafeInteger(raw) && raw >= 0 && raw <= maxWorkers() ? raw : undefined),
  true,
);

export const amount = value(
  "expected a number that is not negative",
  (raw) => (typeof raw === "number" && Number.isFinite(raw) && raw >= 0 ? raw : undefined),
  true,
);

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 };

/** Milliseconds of "250ms", "30s", "5m" or "1h"; a bare number is refused because its unit is a guess. */
export function parseDuration(raw: unknown): number | undefined {
  const match = typeof raw === "string" ? /^(\d{1,9}(?:\.\d{1,3})?) ?(ms|s|min|m|h)$/.exec(raw.trim()) : null;
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]);
}

export const duration = value('expected a duration such as "30s" or "5m"', parseDuration, true);

/** An upstream's address without the slash at its end. Credentials and queries have no place in it. */
function urlSchema(schemes: readonly [string, string]) {
  return value(
    `expected ${schemes[0] === "http" ? "an" : "a"} ${schemes.join(" or ")} URL without user name, password, query or fragment`,
    (raw) => {
      const url = typeof raw === "string" ? URL.parse(raw.trim()) : null;
      if (url === null || !schemes.includes(url.protocol.slice(0, -1))) return undefined;
      if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") return undefined;
      return url.href.replace(/\/+$/, "");
    },
    false,
  );
}

export const baseUrl = urlSchema(["http", "https"]);
export const socketUrl = urlSchema(["ws", "wss"]);

/** A Redis URL as text; the sentences of the parser are kept, since it knows which part is wrong and repeats none. */
export const redisUrl = z
  .unknown()
  .transform((raw, context): string => {
    try {
      if (typeof raw !== "string") throw new ConfigError(["expected a Redis URL as text"]);
      parseRedisUrl(raw);
      return raw.trim();
    } catch (thrown) {
      context.addIssue({ code: "custom", message: coerceError(thrown).message, input: raw });
      return z.NEVER;
    }
  })
  .optional();

export const variableName = text(
  "expected the NAME of an environment variable, in capitals (the key itself belongs in that variable)",
  (raw) => /^[A-Z][A-Z0-9_]{0,63}$/.test(raw),
);

/** Ends up in Redis keys, so it holds nothing that means something there or in a pattern. */
export const shortName = text('expected up to 32 letters, digits, "-" and "_", with a letter or digit first', (raw) =>
  /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(raw),
);

export const currency = text("expected a currency of three capitals, such as CNY or USD", (raw) =>
  /^[A-Z]{3}$/.test(raw),
);

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const logLevel = choice(LOG_LEVELS);
