import { readFileSync } from "node:fs";
import { type Catalogue, parseCatalogue } from "./catalogue-format.ts";

/** Where the catalogue comes from; the default of `sluice models --refresh`. */
export const CATALOGUE_URL = "https://models.dev/api.json";

/** The catalogue in the package, which scripts/trim-catalogue.ts writes. */
export const SHIPPED_CATALOGUE = new URL("./models.json", import.meta.url);

export function readShippedCatalogue(): Catalogue {
  return parseCatalogue(readFileSync(SHIPPED_CATALOGUE, "utf8"));
}
