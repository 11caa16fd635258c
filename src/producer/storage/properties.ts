import type { DatabaseSync } from "node:sqlite";
import type * as z from "zod";

/** Values of a run that are neither items nor records, as JSON. */
export type PropertyName = "dimensions" | "layout" | "journal" | "command";

/** Returns undefined when the property is absent or does not match the schema. */
export function readProperty<T>(database: DatabaseSync, name: PropertyName, schema: z.ZodType<T>): T | undefined {
  const row = database.prepare("SELECT value FROM properties WHERE name = ?").get(name);
  return typeof row?.value === "string" ? schema.safeParse(JSON.parse(row.value)).data : undefined;
}

export function writeProperty(database: DatabaseSync, name: PropertyName, value: unknown): void {
  const insert = database.prepare(
    "INSERT INTO properties VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
  );
  insert.run(name, JSON.stringify(value));
}
