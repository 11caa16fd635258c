import { resolve, sep } from "node:path";
import { glob } from "tinyglobby";
import { compareCodeUnits } from "./walk-folder.ts";

const WILDCARDS = /[*?[\]{}()!+@\\]/;

/** True when a path that does not exist may be meant as a pattern. */
export function isGlob(path: string): boolean {
  return WILDCARDS.test(path);
}

export interface GlobMatches {
  /** The part of the pattern before its first wildcard, as typed: what names are relative to. */
  readonly base: string;
  /** Matching files relative to the base, with "/", in the order of their characters' codes. */
  readonly files: readonly string[];
}

/**
 * The files a pattern matches. Names that start with a dot and folders called node_modules are left out unless the
 * pattern itself names them.
 */
export async function expandGlob(pattern: string, cwd: string): Promise<GlobMatches> {
  const { base, rest } = splitPattern(sep === "\\" ? pattern.replaceAll("\\", "/") : pattern);
  const namesModules = pattern.split("/").includes("node_modules");
  const files = await glob(rest, {
    cwd: resolve(cwd, base),
    onlyFiles: true,
    dot: false,
    expandDirectories: false,
    followSymbolicLinks: true,
    ignore: namesModules ? [] : ["**/node_modules/**"],
  });
  return { base, files: files.sort(compareCodeUnits) };
}

/** The extension that a pattern spells out in its last part (".log" in "logs/*.log"), or undefined. */
export function literalExtension(pattern: string): string | undefined {
  return /(\.[\w-]+)$/.exec(pattern)?.[1]?.toLowerCase();
}

function splitPattern(pattern: string): { base: string; rest: string } {
  const segments = pattern.split("/");
  const wildcardIndex = segments.findIndex((segment) => WILDCARDS.test(segment));
  const base = segments.slice(0, wildcardIndex).join("/");
  const rest = segments.slice(wildcardIndex).join("/");
  if (base === "") return { base: pattern.startsWith("/") ? "/" : ".", rest };
  return { base, rest };
}
