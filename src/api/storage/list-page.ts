import { readdir } from "node:fs/promises";
import { errorCode } from "#src/core/failures/errors.ts";

export interface PageQuery {
  readonly limit: number;
  /** Continue after the object with this id. */
  readonly after?: string | undefined;
  readonly order?: "asc" | "desc" | undefined;
}

/** A page in OpenAI's format. */
export interface ObjectPage<T> {
  readonly object: "list";
  readonly data: readonly T[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
}

/**
 * Reads a page of the objects of a folder, newest first. Ids are in the order of creation, so that only the objects of the
 * page are read, and those that `read` leaves out.
 */
export async function listPage<T extends { readonly id: string }>(
  folder: string,
  { limit, after, order = "desc" }: PageQuery,
  read: (id: string) => Promise<T | undefined>,
): Promise<ObjectPage<T>> {
  const ids = (await readNames(folder)).sort();
  if (order === "desc") ids.reverse();
  const follows = (id: string) => after === undefined || (order === "desc" ? id < after : id > after);
  const data: T[] = [];
  let hasMore = false;
  for (const id of ids) {
    if (!follows(id)) continue;
    const object = await read(id);
    if (!object) continue;
    hasMore = data.length === limit;
    if (hasMore) break;
    data.push(object);
  }
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

/** The names in a folder; none if it does not exist. */
export async function readNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}
