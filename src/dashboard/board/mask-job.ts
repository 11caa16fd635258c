/** Fields of our own making that say what a job is about and hold nothing of an item. */
const SHOWN = new Set([
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
]);

/**
 * A job's data as the queue board may show it: what it is about, and of everything else only how much there is. Keys of
 * a request are shown, what stands under them is not.
 */
export function maskJobData(data: unknown, depth = 0): unknown {
  if (typeof data === "string") return `[${data.length} characters]`;
  if (Array.isArray(data)) return `[${data.length} ${data.length === 1 ? "element" : "elements"}]`;
  if (typeof data !== "object" || data === null) return data === null ? null : `[${typeof data}]`;
  if (depth > 2) return "[...]";
  const entries = Object.entries(data).slice(0, 50);
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      SHOWN.has(name) &&
      (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
        ? value
        : maskJobData(value, depth + 1),
    ]),
  );
}
