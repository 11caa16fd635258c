import { readFileSync } from "node:fs";
import { type Catalogue, parseCatalogue } from "./catalogue-format.ts";

/** Where the catalogue comes from; the default of `sluice models --refresh`. */
export const CATALOGUE_URL = "https://models.dev/api.json";

/** The catalogue in the package, which scripts/trim-catalogue.ts writes. */
export const SHIPPED_CATALOGUE = new URL("./models.generated.json", import.meta.url);

export function readShippedCatalogue(): Catalogue {
  return parseCatalogue(readFileSync(SHIPPED_CATALOGUE, "utf8"));
}

export interface ChosenCatalogue {
  readonly catalogue: Catalogue;
  /** Why the refreshed catalogue is not used, although it exists. */
  readonly problem?: string;
}

/** The refreshed catalogue at `path`, or the package's if there is none, if it cannot be read, or if it is older. */
export function chooseCatalogue(path: string): ChosenCatalogue {
  const shipped = readShippedCatalogue();
  try {
    const refreshed = parseCatalogue(readFileSync(path, "utf8"));
    return { catalogue: refreshed.date < shipped.date ? shipped : refreshed };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { catalogue: shipped };
    return { catalogue: shipped, problem: error instanceof Error ? error.message : String(error) };
  }
}
