import { z } from "zod";

/** Items between two remembered offsets of the spool. */
export const INDEX_STRIDE = 1000;

/** Where every `INDEX_STRIDE`th item of a spool starts; belongs to a spool of exactly these bytes. */
export interface SpoolIndex {
  readonly version: 1;
  readonly items: number;
  readonly bytes: number;
  readonly offsets: readonly number[];
}

const schema = z.object({
  version: z.literal(1),
  items: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  offsets: z.array(z.int().nonnegative()),
});

/** "items.jsonl" -> "items.index.json". */
export function indexPathOf(spoolPath: string): string {
  return `${spoolPath.replace(/\.jsonl$/, "")}.index.json`;
}

/** The index in a file's text, or undefined when it is not one or belongs to a spool of another size. */
export function parseSpoolIndex(text: string, spoolBytes: number): SpoolIndex | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = schema.safeParse(value);
  return parsed.success && parsed.data.bytes === spoolBytes ? parsed.data : undefined;
}
