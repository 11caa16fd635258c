/** What may stand in the JSON of a request that sets a temperature of 0 or a seed; inside a text its quotes are escaped. */
const DETERMINISM_MARKERS = ['"temperature":0', '"seed":'];

/**
 * Is the answer to a chat request (as JSON) meant to be the same each time? Only then may one answer serve several
 * equal requests: temperature 0, or a seed. All others are samples, and whoever repeats one wants another sample.
 */
export function isDeterministic(request: string): boolean {
  if (!DETERMINISM_MARKERS.some((sign) => request.includes(sign))) return false;
  const { temperature, seed } = JSON.parse(request) as { temperature?: unknown; seed?: unknown };
  return temperature === 0 || typeof seed === "number";
}
