/** Fields that identify a job and contain no text of an item. */
const VISIBLE_FIELDS = new Set([
  "v",
  "kind",
  "provider",
  "model",
  "run",
  "item",
  "index",
  "stream",
  "tokens",
  "purpose",
  "dimensions",
  "tokenIds",
]);

/**
 * A job's data as bull-board may show it: the fields that identify the job and its chat items, and only the size of
 * everything else. The keys of a request are shown, their values are not.
 */
export function maskJobData(data: unknown): unknown {
  const masked = maskFields(data, true);
  const items = isObject(data) ? data.items : undefined;
  if (!isObject(masked) || !Array.isArray(items) || !items.every(isObject)) return masked;
  return { ...masked, items: items.slice(0, 50).map((item) => maskFields(item, true)) };
}

function maskFields(value: unknown, isTopLevel: boolean, depth = 0): unknown {
  if (typeof value === "string") return `[${value.length} characters]`;
  if (Array.isArray(value)) return `[${value.length} ${value.length === 1 ? "element" : "elements"}]`;
  if (!isObject(value)) return value === null ? null : `[${typeof value}]`;
  if (depth > 2) return "[...]";
  const entries = Object.entries(value).slice(0, 50);
  return Object.fromEntries(
    entries.map(([name, inner]) => [
      name,
      isTopLevel && VISIBLE_FIELDS.has(name) && typeof inner !== "object" ? inner : maskFields(inner, false, depth + 1),
    ]),
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
