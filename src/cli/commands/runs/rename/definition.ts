import { argument, defineCommand } from "#src/cli/options/command-definition.ts";
import { JSON_OUTPUT, LABEL_OPTIONS, RUN_ARGUMENT } from "#src/cli/options/shared-options.ts";

export const renameCommand = defineCommand({
  name: "runs rename",
  group: "Watch and control runs",
  summary: "Name a run, or change its name or note",
  description:
    "Changes the name of a run, which commands accept in place of its id, and its note. An empty text removes the name or the note.",
  arguments: [RUN_ARGUMENT, argument("name", "the new name")],
  options: { note: LABEL_OPTIONS.note, ...JSON_OUTPUT },
  examples: [
    "sluice runs rename ./vectors docs-v2",
    "sluice runs rename docs-v2 docs-v3 --note 'chunks of 256 tokens'",
  ],
});
