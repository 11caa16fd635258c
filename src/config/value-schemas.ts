import { z } from "zod";
import { ConfigError, coerceError } from "#src/core/failures/errors.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { maxWorkers } from "./max-workers.ts";

/** Why a value was refused: what is expected, and whether the message may repeat the value. */
export interface ValueIssue {
  readonly expected: string;
  readonly echo: boolean;
}

/** What the documentation says about a setting. */
export interface SettingInfo {
  readonly description: string;
  /** The default as the reader would write it; absent when the setting has none. */
  readonly default?: string;
  /** Replaces the type that the schema states. */
  readonly type?: string;
}

/** Attaches the documentation of a setting to its schema; `listFileSettings` and `listVariables` read it. */
export function setting<T extends z.ZodType>(
  schema: T,
  description: string,
  info: Omit<SettingInfo, "description"> = {},
): T {
  return schema.meta({ description, ...info });
}

/**
 * A schema for one value. `read` returns undefined for values that it refuses. `echo: false` keeps the value out of the
 * message, because free text may be a key that was pasted into the wrong place.
 */
function value<T>(
  expected: string,
  read: (raw: unknown) => T | undefined,
  echo: boolean,
  type = expected.replace(/^expected (?:an? )?/, ""),
) {
  return z
    .unknown()
    .transform((raw, context): T => {
      const result = read(raw);
      if (result !== undefined) return result;
      context.addIssue({ code: "custom", params: { expected, echo } satisfies ValueIssue, input: raw });
      return z.NEVER;
    })
    .meta({ type })
    .optional();
}

/** A text value: what is expected, and a test for it. */
export function text(expected: string, accepts: (raw: string) => boolean = (raw) => raw.trim() !== "", type = "text") {
  return value(expected, (raw) => (typeof raw === "string" && accepts(raw) ? raw.trim() : undefined), false, type);
}

export function oneOf<const T extends string>(choices: readonly T[]) {
  const expected = `expected ${listChoices(choices)}`;
  return value(expected, (raw) => choices.find((one) => one === raw), true);
}

function listChoices(choices: readonly string[]): string {
  const last = choices.at(-1) ?? "";
  return choices.length < 2 ? last : `${choices.slice(0, -1).join(", ")} or ${last}`;
}

export const trueOrFalse = value("expected true or false", (raw) => (typeof raw === "boolean" ? raw : undefined), true);

export const positiveInteger = value(
  "expected a positive integer",
  (raw) => (typeof raw === "number" && Number.isSafeInteger(raw) && raw > 0 ? raw : undefined),
  true,
);

export const nonNegativeInteger = value(
  "expected a whole number of 0 or more",
  (raw) => (typeof raw === "number" && Number.isSafeInteger(raw) && raw >= 0 ? raw : undefined),
  true,
);

export const workerCount = value(
  `expected 0 to ${maxWorkers()} worker processes`,
  (raw) => (typeof raw === "number" && Number.isSafeInteger(raw) && raw >= 0 && raw <= maxWorkers() ? raw : undefined),
  true,
);

export const amount = value(
  "expected a number of 0 or more",
  (raw) => (typeof raw === "number" && Number.isFinite(raw) && raw >= 0 ? raw : undefined),
  true,
);

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses "250ms", "30s", "5m", "1h" or "30d" into milliseconds; a bare number is refused because its unit would be a guess. */
export function parseDuration(raw: unknown): number | undefined {
  const match = typeof raw === "string" ? /^(\d{1,9}(?:\.\d{1,3})?) ?(ms|s|min|m|h|d)$/.exec(raw.trim()) : null;
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]);
}

const UNIT_BYTES: Readonly<Record<string, number>> = { "": 1, B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
/** Smaller sizes are mistakes, such as a missing unit. */
const MIN_BYTES = 1e6;

/** Parses "500MB" or "2GB" into bytes. */
export function parseBytes(raw: unknown): number | undefined {
  const [, digits = "", unit = ""] = (typeof raw === "string" && /^([\d.]+)\s*([a-z]*)$/i.exec(raw.trim())) || [];
  const bytes = Math.round(Number(digits) * (UNIT_BYTES[unit.toUpperCase()] ?? Number.NaN));
  return digits !== "" && Number.isSafeInteger(bytes) && bytes >= MIN_BYTES ? bytes : undefined;
}

export const byteSize = value("expected a size of 1MB or more, such as 500MB or 2GB", parseBytes, true);

export const duration = value('expected a duration such as "30s" or "5m"', parseDuration, true);

/** The base URL of a provider, without the trailing slash. Credentials and queries are refused. */
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
    `${schemes.join(" or ")} URL`,
  );
}

export const baseUrl = urlSchema(["http", "https"]);
export const socketUrl = urlSchema(["ws", "wss"]);

/** A Redis URL. The parser's messages are kept: they name the wrong part and repeat no value. */
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
  .meta({ type: "Redis URL" })
  .optional();

export const variableName = text(
  "expected the NAME of an environment variable, in capitals (the key itself belongs in that variable)",
  (raw) => /^[A-Z][A-Z0-9_]{0,63}$/.test(raw),
  "name of a variable",
);

export const headerName = text("expected the name of a header", (raw) => /^[\w-]{1,64}$/.test(raw), "name of a header");

/** May contain a secret, so messages do not repeat it. */
export const headerValue = text("expected printable ASCII text", (raw) => /^[\x20-\x7e]+$/.test(raw));

/** Becomes part of Redis keys, so it must not contain separators or pattern characters. */
export const shortName = text(
  'expected up to 32 letters, digits, "-" and "_", with a letter or digit first',
  (raw) => /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(raw),
  'up to 32 letters, digits, "-" and "_"',
);

export const currency = text(
  "expected a currency code of three capital letters, such as CNY or USD",
  (raw) => /^[A-Z]{3}$/.test(raw),
  "three capital letters",
);

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const logLevel = oneOf(LOG_LEVELS);
