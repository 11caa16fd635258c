import * as z from "zod";
import { causeName, FAILURE_KINDS } from "#src/dashboard/runs/run-params.ts";
import { type ItemQuery, parseItemSort, parseRange } from "#src/producer/items/item-query.ts";

/** A retry passes filters as arguments of a process, which cannot contain NUL. */
const filterText = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .refine((text) => !text.includes("\0"), "must not contain NUL");

const rangeText = z
  .string()
  .max(40)
  .refine((text) => parseRange(text) !== undefined, "expected a number or a range such as 10..200");

/** Selects items in the query of a request, or in the body of a retry. See `ItemFilterParams`. */
export const itemFilterParams = z.object({
  text: filterText(500).optional(),
  id: filterText(500).optional(),
  status: z.enum(["succeeded", "failed", "waiting"]).optional(),
  kind: z.enum(FAILURE_KINDS).optional(),
  cause: causeName.optional(),
  metadata: filterText(500)
    .regex(/^[^=]+=/, "expected key=value")
    .optional(),
  tokens: rangeText.optional(),
  attempts: rangeText.optional(),
  duration: rangeText.optional(),
  lane: filterText(200).optional(),
  empty: z.literal("1").optional(),
}) satisfies z.ZodType<ItemFilterParams>;

export const itemSortParam = z
  .string()
  .max(40)
  .refine((text) => parseItemSort(text) !== undefined, "unknown column");

/** Filters as the pages send them; all that are given must match. Ranges: "10..200", "10..", "..200", "10". */
export interface ItemFilterParams {
  /** Words of the text or the answer; see `ItemQuery.text`. Only for operators, because it can reveal texts piece by piece. */
  readonly text?: string | undefined;
  /** Part of an id; inside double quotes, a complete id. */
  readonly id?: string | undefined;
  readonly status?: "succeeded" | "failed" | "waiting" | undefined;
  readonly kind?: string | undefined;
  readonly cause?: string | undefined;
  /** "key=value"; only for operators. */
  readonly metadata?: string | undefined;
  readonly tokens?: string | undefined;
  readonly attempts?: string | undefined;
  /** In ms. */
  readonly duration?: string | undefined;
  readonly lane?: string | undefined;
  /** Only empty chat answers. */
  readonly empty?: "1" | undefined;
}

/** Whether the filter depends on contents, which viewers must not learn. */
export function readsContents({ text, metadata }: ItemFilterParams): boolean {
  return text !== undefined || metadata !== undefined;
}

/** `cause` is the query of the cause in the parameters. Pure. */
export function toItemQuery(params: ItemFilterParams, cause: ItemQuery = {}): ItemQuery {
  const { text, id, status, kind, metadata = "", tokens, attempts, duration, lane, empty } = params;
  const exactId = /^"(.*)"$/.exec(id ?? "")?.[1];
  const at = metadata.indexOf("=");
  return {
    ...cause,
    text,
    id: exactId,
    idContains: exactId === undefined ? id : undefined,
    status: status === "succeeded" ? "ok" : status,
    kinds: kind === undefined ? cause.kinds : new Set([kind]),
    metadata: at < 1 ? undefined : { key: metadata.slice(0, at), value: metadata.slice(at + 1) },
    tokens: tokens === undefined ? undefined : parseRange(tokens),
    attempts: attempts === undefined ? undefined : parseRange(attempts),
    durationMs: duration === undefined ? undefined : parseRange(duration),
    lane,
    isEmpty: empty === "1" ? true : undefined,
  };
}

/** The same filter as options of `sluice retry`. Pure. */
export function toFilterOptions({ id, empty, status, ...others }: ItemFilterParams): string[] {
  const exactId = /^"(.*)"$/.exec(id ?? "")?.[1];
  const idOption = exactId === undefined ? ["id-contains", id] : ["id", exactId];
  const options = [idOption, ...Object.entries(others)];
  const given = options.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));
  return [...given, ...(status === "failed" ? ["--status=failed"] : []), ...(empty === "1" ? ["--retry-empty"] : [])];
}

/** The filter for the audit log, without what it searches in contents. Pure. */
export function describeFilter({ text, metadata, ...others }: ItemFilterParams): string {
  const shown = Object.entries({ ...others, text: text && "...", metadata: metadata && "..." });
  const parts = shown.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]));
  return parts.length === 0 ? "all items" : parts.join(", ");
}
