// Regenerates the parts of the docs between "<!-- generated: NAME -->" and "<!-- /generated -->".
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fillGeneratedParts, GENERATED_PAGES } from "./generate-docs/pages.ts";

const USAGE = `usage: npm run docs -- [--check]

Regenerates the generated parts of ${GENERATED_PAGES.join(" and ")}: the text between
"<!-- generated: NAME -->" and "<!-- /generated -->".

  --check      change nothing, list the pages that are out of date, and exit with code 1 if there are any
  -h, --help   show this help`;

const { values } = parseArgs({
  options: { help: { type: "boolean", short: "h" }, check: { type: "boolean" } },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
process.chdir(fileURLToPath(new URL("..", import.meta.url)));
for (const page of GENERATED_PAGES) {
  const current = readFileSync(page, "utf8");
  const wanted = fillGeneratedParts(current);
  if (wanted === current) continue;
  if (values.check) {
    console.error(`${page} is out of date. Run "npm run docs".`);
    process.exitCode = 1;
  } else writeFileSync(page, wanted);
}
