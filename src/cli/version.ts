import { readFileSync } from "node:fs";

/** The package's version; package.json stands two folders up, in a checkout and in a package alike. */
export function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return String(JSON.parse(text).version);
}
