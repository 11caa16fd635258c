/**
 * Polls `probe` until it returns something truthy and resolves with that; rejects with `what` after `timeoutMs`.
 * The limit only ends a broken test: it asserts nothing about speed.
 */
export async function waitFor<T>(
  probe: () => T | Promise<T>,
  { what = "the condition", timeoutMs = 30_000, intervalMs = 20 } = {},
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value) return value as NonNullable<T>;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
