import type { ScorerOption, ScorerType } from "#src/evaluation/scorer.ts";
import { createScorerRegistry } from "#src/evaluation/scorers/registry.ts";

/** Options that many scorers share; the page describes them once. */
const SHARED_OPTIONS = ["extract", "threshold", "reasoning"];

export const SCORER_TABLES: Readonly<Record<string, () => string>> = {
  "scorer-types": () =>
    table(
      ["scorer", "score"],
      listTypes().map(({ type, summary }) => [`[\`${type}\`](#${type})`, summary]),
    ),
  "scorer-shared-options": () => {
    const shared = SHARED_OPTIONS.map((name) => {
      const types = listTypes().filter(({ options }) => options.some((option) => option.name === name));
      const option = types.flatMap(({ options }) => options).find((each) => each.name === name);
      const users = types.length === listTypes().length ? "all" : types.map(({ type }) => `\`${type}\``).join(", ");
      return [`\`${name}\``, users, ...(option ? describeOption(option).slice(1) : [])];
    });
    return table(["option", "scorers", "default", "meaning"], shared);
  },
  "scorer-options": () => listTypes().map(describeType).join("\n\n"),
};

function listTypes(): readonly ScorerType[] {
  return createScorerRegistry().types;
}

function describeType({ type, summary, options }: ScorerType): string {
  const own = options.filter(({ name }) => !SHARED_OPTIONS.includes(name));
  const heading = `### \`${type}\`\n\n${summary}`;
  return own.length === 0
    ? heading
    : `${heading}\n\n${table(["option", "default", "meaning"], own.map(describeOption))}`;
}

function describeOption({ name, default: value, description, isRequired }: ScorerOption): string[] {
  return [`\`${name}\``, isRequired ? "required" : value === undefined ? "-" : `\`${value}\``, description];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
