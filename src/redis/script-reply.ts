import type { z } from "zod";

/**
 * A parser for the reply of a script that returns alternating names and values (`{ 'granted', 3, 'now', 17 }`). Throws an
 * Error when the reply is not a list, and a ZodError when its values do not match the schema.
 */
export function parseNamedReply<T>(schema: z.ZodType<T>): (reply: unknown) => T {
  return (reply) => {
    if (!Array.isArray(reply)) throw new Error(`expected a list of names and values from Redis, got ${typeof reply}`);
    const values: Record<string, unknown> = {};
    for (let i = 0; i + 1 < reply.length; i += 2) values[String(reply[i])] = reply[i + 1];
    return schema.parse(values);
  };
}
