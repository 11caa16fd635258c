/**
 * Returns a shallow copy without the properties whose value is `undefined`. Use it where an absent property differs
 * from an undefined one: before spreading over defaults, and before writing fields to Redis.
 */
export function omitUndefined<T extends object>(values: T): { readonly [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
