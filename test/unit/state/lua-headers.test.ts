import { globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const src = join(import.meta.dirname, "../../../src");
const HEADER_ENTRY = /^\s+(?:(\d+)\s+(\w+)(?:\s|$)|(rest|then)\s|none\s*$)/;

interface Contract {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

function parseStrings(list: string): string[] {
  return [...list.matchAll(/"([^"]+)"/g)].map(([, word = ""]) => word);
}

/** The text with lists of names in the places where their constants are used. */
function expandConstants(text: string): string {
  let expanded = text;
  for (const [, name, names = ""] of text.matchAll(/^const (\w+) = \[([^\]]*)\] as const;/gm)) {
    expanded = expanded.replaceAll(`...${name}`, names).replaceAll(`keys: ${name},`, `keys: [${names}],`);
  }
  return expanded;
}

/** Declarations in the TypeScript next to a folder of scripts, by the script's file name. */
function readDeclarations(folder: string): Map<string, Contract> {
  const contracts = new Map<string, Contract>();
  for (const name of readdirSync(join(src, folder)).filter((file) => file.endsWith(".ts"))) {
    const text = expandConstants(readFileSync(join(src, folder, name), "utf8"));
    for (const [, file = "", keys = "", args = ""] of text.matchAll(
      /defineScript\(\s*new URL\("lua\/([^"]+)".*?keys: \[(.*?)\],\s*args: \[(.*?)\]/gs,
    )) {
      contracts.set(file, { keys: parseStrings(keys), args: parseStrings(args) });
    }
  }
  return contracts;
}

/** The numbered names below KEYS and ARGV in the header comment of a script. */
function parseHeader(text: string): Contract {
  const header = /^--\[\[(.*?)--\]\]/s.exec(text)?.[1] ?? "";
  const contract = { keys: [] as string[], args: [] as string[] };
  let section: string[] | undefined;
  for (const line of header.split("\n")) {
    if (line.trim() === "KEYS") section = contract.keys;
    else if (line.trim() === "ARGV") section = contract.args;
    else if (section) {
      const [, position, name] = HEADER_ENTRY.exec(line) ?? [];
      if (position === undefined || name === undefined) continue;
      expect(Number(position), line).toBe(section.length + 1);
      section.push(name);
    }
    if (line.trim().startsWith("Returns")) section = undefined;
  }
  return contract;
}

for (const folder of globSync("**/lua", { cwd: src }).map(dirname)) {
  const contracts = readDeclarations(folder);
  const files = readdirSync(join(src, folder, "lua"));

  test(`every script of ${folder} is declared, and every declared script exists`, () => {
    expect([...contracts.keys()].sort()).toEqual(files.sort());
  });

  for (const file of files) {
    const text = readFileSync(join(src, folder, "lua", file), "utf8");
    test(`${folder}/lua/${file} takes the arguments that its caller passes, in the same order`, () => {
      expect(parseHeader(text)).toEqual(contracts.get(file));
    });

    test(`${folder}/lua/${file} uses no key and no fixed argument that it does not document`, () => {
      const { keys, args } = parseHeader(text);
      const body = text.replace(/^--\[\[.*?--\]\]/s, "");
      const takesRest = /^\s+(rest|then)\s/m.test(text);
      for (const [, position] of body.matchAll(/KEYS\[(\d+)\]/g)) {
        expect(Number(position)).toBeLessThanOrEqual(keys.length);
      }
      if (!takesRest) {
        for (const [, position] of body.matchAll(/ARGV\[(\d+)\]/g)) {
          expect(Number(position)).toBeLessThanOrEqual(args.length);
        }
      }
      expect(/^\s+Returns /m.test(text.split("--]]")[0] ?? "")).toBe(true);
    });
  }
}
