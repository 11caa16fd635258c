import { resolve, sep } from "node:path";
import { glob } from "tinyglobby";

const WILDCARDS = /[*?[\]{}()!+@\\]/;

/** Returns whether a path that does not exist may be a glob pattern. */
export function isGlob(path: string): boolean {
  return WILDCARDS.test(path);
}

export interface GlobMatches {
  /** The part of the pattern before its first wildcard, as typed; names are relative to it. */
  readonly base: string;
  /** Matching files relative to the base, with "/", in code unit order. */
  readonly files: readonly string[];
}

/**
 * Finds the files that a pattern matches. Names that start with a dot and folders named node_modules are left out
 * unless the pattern names them.
 */
export async function expandGlob(pattern: string, cwd: string): Promise<GlobMatches> {
  const { base, rest } = splitPattern(sep === "\\" ? pattern.replaceAll("\\", "/") : pattern);
  const includesNodeModules = pattern.split("/").includes("node_modules");
  const files = await glob(rest, {
    cwd: resolve(cwd, base),
    onlyFiles: true,
    dot: false,
    expandDirectories: false,
    followSymbolicLinks: true,
    ignore: includesNodeModules ? [] : ["**/node_modules/**"],
  });
  return { base, files: files.sort() };
}

/** Returns the extension that the last part of a pattern ends with (".log" in "logs/*.log"), or undefined. */
export function getPatternExtension(pattern: string): string | undefined {
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
