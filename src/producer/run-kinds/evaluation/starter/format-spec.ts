import { stringify } from "yaml";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { SpecGuess } from "./guess-spec.ts";

export interface StarterSpec extends SpecGuess {
  readonly name: string;
  /** Of the dataset, relative to the folder of the spec. */
  readonly path: string;
  readonly rows: number;
  readonly models: readonly string[];
}

/** The text of a spec with comments. Pure. */
export function formatSpec({ name, path, rows, models, ...guess }: StarterSpec): string {
  const { id, target, cluster, prompt, scorer, reason } = guess;
  const dataset = {
    path,
    ...(id.field === undefined || id.field === "id" ? {} : { id: id.field }),
    target,
    ...(cluster === undefined ? {} : { cluster }),
  };
  const sections: readonly (readonly [readonly string[], object])[] = [
    [[`Guessed from the first ${rows} rows of the dataset. docs/eval.md describes all fields.`], { name }],
    [
      [
        `id: ${id.reason}`,
        "target: the field with the expected answer, or a template that gives it.",
        ...(cluster === undefined
          ? []
          : ["cluster: rows with the same value belong together; intervals account for that."]),
        "limit: 100 would use the first 100 rows only; with shuffle: 1, 100 rows chosen at random.",
      ],
      { datasets: [dataset] },
    ],
    [["Templates in Liquid, with the fields of the row."], { prompts: [prompt] }],
    [
      [
        `"${SUGGESTED_COMMANDS.models()}" lists others. With parameters: { model: NAME, parameters: { temperature: 0 } }`,
      ],
      { models },
    ],
    [[reason, "docs/scorers.md has all types and their options."], { scorers: { accuracy: scorer } }],
  ];
  return sections
    .map(
      ([comments, content]) =>
        `${comments.map((line) => `# ${line}\n`).join("")}${stringify(content, { lineWidth: 0 })}`,
    )
    .join("\n");
}
