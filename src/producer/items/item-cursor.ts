import * as z from "zod";
import { InputError } from "#src/core/failures/errors.ts";
import type { ItemCursor } from "./item-query.ts";

const cursorSchema = z.tuple([z.union([z.string(), z.number()]), z.int(), z.boolean()]);

/** Parses a cursor that `formatCursor` wrote. Throws an InputError. */
export function parseCursor(text: string): ItemCursor {
  try {
    const [value, index, isWaiting] = cursorSchema.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
    return { value, index, isWaiting };
  } catch {
    throw new InputError("this is not the cursor of an earlier page", "after");
  }
}

export function formatCursor({ value, index, isWaiting }: ItemCursor): string {
  return Buffer.from(JSON.stringify([value, index, isWaiting])).toString("base64url");
}
