import { defineCommand, flag, inGroup, value, valueOr } from "#src/cli/options/command-definition.ts";
import { ITEM_FILTER_OPTIONS } from "#src/cli/options/item-filter-options.ts";
import { parsePositiveInteger } from "#src/cli/options/parse-option.ts";
import { OPTION_GROUPS, RUN_ARGUMENT } from "#src/cli/options/shared-options.ts";

export const itemsCommand = defineCommand({
  name: "items",
  group: "Watch and control runs",
  summary: "Find and export the items of a run",
  description:
    "Lists the items of a run that match all filters: in a terminal as a table, in a pipe as one JSON object per line. Needs the run's database, which is kept when items failed, or with --keep-db.",
  arguments: [RUN_ARGUMENT],
  options: {
    ...ITEM_FILTER_OPTIONS,
    ...inGroup(OPTION_GROUPS.output, {
      sort: valueOr(
        "index",
        "column",
        "index, id, tokens, duration, attempts, or recorded; column:desc reverses the order",
      ),
      limit: value("n", "maximum number of items (default: 20 in a terminal, else all)", parsePositiveInteger),
      json: flag("print one JSON object per item"),
      export: value("file", "write all matching items to this file (.jsonl or .csv) instead"),
    }),
  },
  examples: [
    'sluice items ./vectors --text "annual report" --sort tokens:desc',
    "sluice items ./vectors --where \"duration_ms > 5000 AND lane LIKE 'minimax%'\"",
    "sluice items ./vectors --status failed --export failed.jsonl",
  ],
});
