// Prints statistics about the size and structure of a checkout, so that two versions can be compared.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const USAGE = `usage: npm run stats -- [--root DIR] [--check]

Prints statistics about the TypeScript files below src that git tracks: lines, files, lines per file (median, 90th
percentile, maximum), conditional spreads, folders with more than 20 files, and exported names that more than one file
defines; and the number of lines of the README.

  --root DIR   measure another checkout
  --check      exit with code 1 if a folder has too many files, or if several files define the same exported name
  -h, --help   show this help`;

const MAX_FILES_PER_FOLDER = 20;
/** `...(x ? {} : { x })` and `...(x && { x })`. */
const CONDITIONAL_SPREAD = /^\s*\.\.\.\(|[{(,] \.\.\.\([^)]*(\? \{|: \{\}|&& \{)/;
const EXPORTED_NAME =
  /^export (?:default )?(?:abstract )?(?:async )?(?:function\*?|class|const|interface|type|let) (\w+)/gm;

const { values } = parseArgs({
  options: {
    check: { type: "boolean" },
    help: { type: "boolean", short: "h" },
    root: { type: "string", default: fileURLToPath(new URL("..", import.meta.url)) },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const listed = execFileSync("git", ["ls-files", "src"], { cwd: values.root, encoding: "utf8" }).trim().split("\n");
const texts = new Map(
  listed.filter((file) => /\.tsx?$/.test(file)).map((file) => [file, readFileSync(`${values.root}/${file}`, "utf8")]),
);
const sizes = [...texts.values()].map(countLines).sort((a, b) => a - b);
const quantile = (share: number) => sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * share))];
const folders = countBy(listed.map(dirname));
const definitions = countBy(
  // Overloads of one function in one file are one definition.
  [...texts.values()].flatMap((text) => [...new Set([...text.matchAll(EXPORTED_NAME)].map(([, name = ""]) => name))]),
);
const spreads = [...texts.values()].flatMap((text) => text.split("\n").filter((line) => CONDITIONAL_SPREAD.test(line)));

print(
  "lines in src (.ts, .tsx)",
  sizes.reduce((sum, size) => sum + size, 0),
);
print("files", sizes.length);
print("lines per file: median, p90, max", [quantile(0.5), quantile(0.9), sizes.at(-1)].join(", "));
print("conditional spreads", spreads.length);
const crowded = above(folders, MAX_FILES_PER_FOLDER);
const ambiguous = above(definitions, 1);
print(`folders with more than ${MAX_FILES_PER_FOLDER} files`, describe(crowded));
print("exported names with several definitions", describe(ambiguous));
print("lines of README.md", countLines(readFileSync(`${values.root}/README.md`, "utf8")));
if (values.check && crowded.length + ambiguous.length > 0) process.exit(1);

function countLines(text: string): number {
  return text.split("\n").length - 1;
}

function countBy(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

type Count = readonly [key: string, count: number];

function above(counts: ReadonlyMap<string, number>, limit: number): Count[] {
  return [...counts].filter(([, count]) => count > limit);
}

function describe(found: readonly Count[]): string {
  return found.length === 0 ? "0" : `${found.length} (${found.map(([key, count]) => `${key} ${count}`).join(", ")})`;
}

function print(label: string, value: string | number | undefined): void {
  console.log(`${label.padEnd(44)} ${value}`);
}
