import { readFileSync } from "node:fs";

/** The version of the package. package.json is two folders up, both in a checkout and in a package. */
export function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return String(JSON.parse(text).version);
}
