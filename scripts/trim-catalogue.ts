// Writes the catalogue of models that the package contains.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatCatalogue, trimCatalogue } from "#src/providers/catalogue/catalogue-format.ts";
import { CATALOGUE_URL, SHIPPED_CATALOGUE } from "#src/providers/catalogue/read-catalogue.ts";
import { listCatalogueNames } from "#src/providers/registry.ts";

const USAGE = `usage: node scripts/trim-catalogue.ts --date YYYY-MM-DD --license FILE API_JSON

Trims a copy of models.dev's api.json to the providers that Sluice knows and the fields that it uses, and writes
src/providers/catalogue/models.generated.json, with the date of the copy and the text of its licence.`;

const { values, positionals } = parseArgs({
  options: { help: { type: "boolean", short: "h" }, date: { type: "string" }, license: { type: "string" } },
  allowPositionals: true,
});
const [source] = positionals;
if (values.help || source === undefined || values.date === undefined || values.license === undefined) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 1);
}

const providers = trimCatalogue(readFileSync(source, "utf8"), listCatalogueNames());
const license = readFileSync(values.license, "utf8").trim();
const text = formatCatalogue({ source: CATALOGUE_URL, date: values.date, license, providers });
writeFileSync(fileURLToPath(SHIPPED_CATALOGUE), text);
