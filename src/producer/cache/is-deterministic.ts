/** Text in the JSON of a request that sets a temperature of 0 or a seed. Inside a string, the quotes would be escaped. */
const DETERMINISM_MARKERS = ['"temperature":0', '"seed":'];

/**
 * Returns whether equal chat requests (as JSON) should get the same answer, because the temperature is 0 or a seed is
 * set. All other answers are samples, and a repeated request should get another sample.
 */
export function isDeterministic(request: string): boolean {
  if (!DETERMINISM_MARKERS.some((marker) => request.includes(marker))) return false;
  const { temperature, seed } = JSON.parse(request) as { temperature?: unknown; seed?: unknown };
  return temperature === 0 || typeof seed === "number";
}
