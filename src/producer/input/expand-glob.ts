import { posix, resolve, sep } from "node:path";
import picomatch from "picomatch";
import { glob } from "tinyglobby";
import { type FolderListing, listFolder } from "./walk-folder.ts";

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
  /** Folders that could not be listed, relative to the base. */
  readonly unreadable: FolderListing["unreadable"];
}

/**
 * Finds the files that a pattern matches. Names that start with a dot and folders named node_modules are left out
 * unless the pattern names them. Symbolic links are followed; below "**", every folder is listed only once, because
 * folders that link to each other would have endless paths.
 */
export async function expandGlob(pattern: string, cwd: string): Promise<GlobMatches> {
  const { base, rest } = splitPattern(sep === "\\" ? pattern.replaceAll("\\", "/") : pattern);
  const root = resolve(cwd, base);
  const entersNodeModules = pattern.split("/").includes("node_modules");
  const options = {
    cwd: root,
    dot: false,
    expandDirectories: false,
    followSymbolicLinks: true,
    ignore: entersNodeModules ? [] : ["**/node_modules/**"],
  };
  const segments = rest.split("/");
  // A slash inside braces does not separate segments.
  const walked = /\{[^}]*\//.test(rest) ? 0 : segments.findIndex((segment) => segment.includes("**"));
  if (walked === -1) return { base, files: (await glob(rest, { ...options, onlyFiles: true })).sort(), unreadable: [] };
  const starts =
    walked === 0 ? [""] : await glob(segments.slice(0, walked).join("/"), { ...options, onlyDirectories: true });
  const matches = picomatch(rest);
  const walkOptions = { excluded: new Set<string>(), entersNodeModules, includesDotNames: /(^|[/{,])\./.test(rest) };
  const files = new Set<string>();
  const unreadable: FolderListing["unreadable"][number][] = [];
  for (const start of starts) {
    const below = (relative: string) => posix.join(start, relative);
    const listing = await listFolder(resolve(root, start), walkOptions);
    for (const file of listing.files.map(below)) if (matches(file)) files.add(file);
    for (const { relative, error } of listing.unreadable) unreadable.push({ relative: below(relative), error });
  }
  return { base, files: [...files].sort(), unreadable };
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
