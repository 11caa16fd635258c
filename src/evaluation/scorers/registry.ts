import type { CreatedScorer, ScorerType } from "#src/evaluation/scorer.ts";
import { suggestNames } from "./define-scorer.ts";
import { exact } from "./exact.ts";

export interface ScorerRegistry extends AsyncDisposable {
  readonly types: readonly ScorerType[];
  /** Reports all problems of the options at once; an unknown type is a problem with the path `type`. */
  create(name: string, type: string, options: unknown): CreatedScorer;
  /** Ends the threads and processes in which scorers run patterns and user code. Idempotent. */
  close(): Promise<void>;
}

export interface ScorerRegistryOptions {
  /** Folder against which relative paths in options are resolved; default: the working directory. */
  readonly baseDir?: string;
  /** Environment variables of user code; give it no secrets. Default: only PATH. */
  readonly environment?: Readonly<Record<string, string>>;
}

export function createScorerRegistry(_options: ScorerRegistryOptions = {}): ScorerRegistry {
  const types = new Map([exact].map((type) => [type.type, type]));
  const close = async () => {};
  return {
    types: [...types.values()],
    create(name, type, options) {
      const found = types.get(type);
      if (found) return found.create(name, options);
      return {
        problems: [{ path: ["type"], message: `unknown scorer "${type}"; ${suggestNames(type, [...types.keys()])}` }],
      };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
