/**
 * Polls `probe` until it returns a truthy value, and resolves with it. Rejects with an error that names `what` after
 * `timeoutMs`. The timeout only ends a broken test and asserts nothing about speed.
 */
export async function waitFor<T>(
  probe: () => T | Promise<T>,
  { what = "the condition", timeoutMs = 30_000, intervalMs = 20 } = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value) return value as NonNullable<T>;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
