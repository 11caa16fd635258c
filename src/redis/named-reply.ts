import { z } from "zod";

const flatReply = z.array(z.union([z.string(), z.number()]));

/**
 * A parser for the reply of a script that returns alternating names and values (`{ 'granted', 3, 'now', 17 }`). Names
 * that are missing from the reply are undefined. Throws a ZodError when the reply does not match the schema.
 */
export function parseNamedReply<T>(schema: z.ZodType<T>): (reply: unknown) => T {
  return (reply) => {
    const values: Record<string, string | number | undefined> = {};
    const list = flatReply.parse(reply);
    for (let i = 0; i + 1 < list.length; i += 2) values[String(list[i])] = list[i + 1];
    return schema.parse(values);
  };
}
