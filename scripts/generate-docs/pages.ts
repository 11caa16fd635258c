import { API_TABLES } from "./api-routes.ts";
import { PROVIDER_CODE_TABLES } from "./provider-codes.ts";
import { SCORER_TABLES } from "./scorers.ts";
import { SETTINGS_TABLES } from "./settings.ts";

/** Pages with generated parts. */
export const GENERATED_PAGES = ["docs/api.md", "docs/configuration.md", "docs/errors.md", "docs/scorers.md"] as const;

const GENERATORS: Readonly<Record<string, () => string>> = {
  ...API_TABLES,
  ...PROVIDER_CODE_TABLES,
  ...SETTINGS_TABLES,
  ...SCORER_TABLES,
};
const PART = /(<!-- generated: ([\w-]+) -->\n)[\s\S]*?(<!-- \/generated -->)/g;

/** The page with all its generated parts regenerated. Throws for a part without a generator. */
export function fillGeneratedParts(page: string): string {
  return page.replace(PART, (_, start: string, name: string, end: string) => {
    const generate = GENERATORS[name];
    if (!generate) throw new Error(`no generator for the part "${name}"`);
    return `${start}\n${generate()}\n\n${end}`;
  });
}
