import { type Document, isMap, isNode, LineCounter, parseDocument } from "yaml";
import type * as z from "zod";
import { formatPath } from "#src/core/describe-path.ts";
import { describeSchemaIssue } from "#src/core/describe-schema-issue.ts";
import { ConfigError } from "#src/core/failures/errors.ts";
import { listSimilarNames } from "#src/core/similar-names.ts";
import { specSchema } from "./spec-schema.ts";

type Path = readonly PropertyKey[];

/** Collects problems of a spec and knows the line of each path. */
export class SpecProblems {
  readonly content: unknown;
  readonly #label: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;
  readonly #problems: { readonly line: number; readonly text: string }[] = [];

  /** Throws a ConfigError for what is not YAML. YAML's own messages quote the text, so only their position and code are used. */
  constructor(label: string, source: string) {
    this.#label = label;
    this.#document = parseDocument(source, { lineCounter: this.#lines, logLevel: "silent" });
    for (const { pos, code } of this.#document.errors) {
      const { line, col } = this.#lines.linePos(pos[0]);
      const reason = code.toLowerCase().replaceAll("_", " ");
      this.#problems.push({ line, text: `${label}:${line}:${col}: not valid YAML: ${reason}` });
    }
    this.throwProblems();
    try {
      this.content = this.#document.toJS({ maxAliasCount: 100 });
    } catch {
      throw new ConfigError([`${label}: contains aliases that cannot be resolved`]);
    }
  }

  add(path: Path, message: string): void {
    this.#problems.push({ line: this.#findLine(path), text: this.describe(path, message) });
  }

  describe(path: Path, message: string): string {
    return `${this.#label}:${this.#findLine(path)}: ${path.length === 0 ? "" : `${formatPath(path)}: `}${message}`;
  }

  addIssue(issue: z.core.$ZodIssue, at: Path = []): void {
    const path = [...at, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) this.add([...path, key], describeUnknownKey(key, path));
      return;
    }
    // Of the alternatives, the one that fits best: a text is a text, and a mapping is read as one.
    if (issue.code === "invalid_union") {
      const branch = issue.errors.toSorted((a, b) => depthOf(b) - depthOf(a))[0];
      if (branch && depthOf(branch) > 0) {
        for (const inner of branch) this.addIssue(inner, path);
        return;
      }
    }
    const isMissing = issue.code === "invalid_type" && this.#document.getIn(path) === undefined;
    this.add(path, isMissing ? "is missing" : describeSchemaIssue(issue));
  }

  /** Throws a ConfigError with all problems in the order of their lines. */
  throwProblems(): void {
    if (this.#problems.length === 0) return;
    throw new ConfigError(this.#problems.toSorted((a, b) => a.line - b.line).map(({ text }) => text));
  }

  /** The line of the deepest part of the path that exists. */
  #findLine(path: Path): number {
    for (let length = path.length; length > 0; length -= 1) {
      const parent = length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, length - 1), true);
      const step = path[length - 1];
      const pair = isMap(parent) ? parent.items.find(({ key }) => String(key) === String(step)) : undefined;
      const node = pair?.key ?? this.#document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return this.#lines.linePos(node.range[0]).line;
    }
    return 1;
  }
}

/** How much of a value an alternative accepts; an unknown or missing key says that it was read as this alternative. */
function depthOf(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === "unrecognized_keys" ? 1 : 0)));
}

const KNOWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  "": Object.keys(specSchema.shape),
  datasets: ["path", "name", "id", "target", "cluster", "groups", "limit", "shuffle"],
  prompts: ["name", "system", "user", "messages"],
  models: ["model", "label", "parameters"],
};

function describeUnknownKey(key: string, parent: Path): string {
  const known = KNOWN_KEYS[String(parent[0] ?? "")] ?? [];
  const [similar] = listSimilarNames(key, known);
  return similar === undefined
    ? `unknown key; known here: ${known.join(", ")}`
    : `unknown key; did you mean "${similar}"?`;
}
