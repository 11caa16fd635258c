import { InvalidArgumentError } from "commander";
import { type NumberRange, parseRange } from "#src/producer/items/item-query.ts";
import { flag, inGroup, value } from "./command-definition.ts";

/** Heading of these options in the help. */
const FILTER_GROUP = "Filter (all that are given must match):";

/** Options that select items of a run; see `ItemQuery`. */
export const ITEM_FILTER_OPTIONS = inGroup(FILTER_GROUP, {
  text: value("words", 'items whose text or answer contains all words; "..." is a phrase, word* a prefix'),
  id: value("id", "the item with this id"),
  idContains: value("text", "items whose id contains this text"),
  status: value("status", "waiting, ok, or failed"),
  kind: value("kinds", "failures of these kinds, such as server,timeout"),
  cause: value("cause", "failures of this cause, as shown on the dashboard"),
  metadata: value("key=value", "items with this value in a field of their metadata", parseMetadata),
  tokens: value("range", "tokens as reported by the provider, such as 100.., ..20, or 5", parseRangeOption),
  attempts: value("range", "attempts: upstream calls for the item, without throttled ones", parseRangeOption),
  duration: value("range", "results whose call took this long in ms, such as 2000..", parseRangeOption),
  lane: value("lane", "results of this lane, such as minimax/embo-01"),
  empty: flag("chat answers without text"),
  where: value(
    "sql",
    "a SQL expression over the columns of the view results, such as \"attempts > 2 AND text LIKE 'a%'\"",
  ),
});

function parseRangeOption(text: string): NumberRange {
  const range = parseRange(text);
  if (range) return range;
  throw new InvalidArgumentError('expected a number, or a range such as "10..200" or "10..".');
}

function parseMetadata(text: string): { readonly key: string; readonly value: string } {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("expected key=value.");
  return { key: text.slice(0, at), value: text.slice(at + 1) };
}
