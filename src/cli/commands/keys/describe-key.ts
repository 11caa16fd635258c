import { formatDuration } from "#src/cli/format/format-duration.ts";
import { formatLimits } from "#src/cli/format/format-limits.ts";
import { formatMoney, UNKNOWN_VALUE } from "#src/cli/format/format-number.ts";
import { type Column, formatTable } from "#src/cli/format/format-table.ts";
import { type ApiKey, findApiKeyState } from "#src/state/api-keys/api-key.ts";
import type { KeySpending } from "#src/state/api-keys/key-usage.ts";

export interface ListedKey {
  readonly key: ApiKey;
  readonly spending: KeySpending;
}

/** What `--json` prints about a key: everything but its hash. Times are ISO 8601. */
export function toKeyJson(key: ApiKey, now: number) {
  const { hash: _, createdAt, expiresAt, revokedAt, ...shown } = key;
  return {
    ...shown,
    state: findApiKeyState(key, now),
    createdAt: toIso(createdAt),
    expiresAt: toIso(expiresAt),
    revokedAt: toIso(revokedAt),
  };
}

/** The limits and budgets of a key in one line; empty without any. */
export function describeKeyLimits(key: ApiKey): string {
  const { dailyBudget, monthlyBudget, currency } = key;
  const { requestsPerMinute, tokensPerMinute } = key;
  const limits = {
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    ...(tokensPerMinute === undefined ? {} : { tokensPerMinute }),
  };
  const parts = [
    formatLimits(limits),
    dailyBudget === undefined ? "" : `${formatMoney(dailyBudget, currency)} a day`,
    monthlyBudget === undefined ? "" : `${formatMoney(monthlyBudget, currency)} a month`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

const COLUMNS: readonly Column[] = [
  { title: "name", maxWidth: 32 },
  { title: "id" },
  { title: "tenant", maxWidth: 24 },
  { title: "role" },
  { title: "state" },
  { title: "models", maxWidth: 40 },
  { title: "limits" },
  { title: "today", align: "right" },
  { title: "month", align: "right" },
];

/** One line per key. */
export function formatKeyTable(listed: readonly ListedKey[], now: number, width: number): string {
  const rows = listed.map(({ key, spending }) => [
    key.name,
    key.id,
    key.tenant,
    key.role,
    describeState(key, now),
    key.models?.join(",") ?? "all",
    describeKeyLimits(key) || UNKNOWN_VALUE,
    formatMoney(spending.today, key.currency),
    formatMoney(spending.month, key.currency),
  ]);
  return formatTable(COLUMNS, rows, { width });
}

function describeState(key: ApiKey, now: number): string {
  const state = findApiKeyState(key, now);
  if (state !== "valid" || key.expiresAt === undefined) return state;
  return `ends in ${formatDuration(key.expiresAt - now)}`;
}

function toIso(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}
