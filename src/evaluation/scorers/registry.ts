import type { CreatedScorer, ScorerType } from "#src/evaluation/scorer.ts";
import type { CallResources } from "#src/evaluation/scorer-call.ts";
import { answer } from "./answer.ts";
import { createModelGradedScorer } from "./called/model-graded.ts";
import { createSimilarScorer } from "./called/similar.ts";
import { createChecksScorer } from "./checks.ts";
import { choice } from "./choice.ts";
import { exact } from "./exact.ts";
import { includes } from "./includes.ts";
import { match } from "./match.ts";
import { math } from "./math.ts";
import { numeric } from "./numeric.ts";
import { createCodeScorer } from "./sandboxed/code.ts";
import { createExecutableScorer } from "./sandboxed/executable.ts";
import { createJavascriptScorer } from "./sandboxed/javascript.ts";
import { createJsonScorer } from "./sandboxed/json.ts";
import { createPatternScorer } from "./sandboxed/pattern.ts";
import type { ScorerResources } from "./sandboxed/sandbox-options.ts";
import { suggestNames } from "./scorer-options.ts";
import { bleu } from "./text/bleu.ts";
import { chrf } from "./text/chrf.ts";
import { f1 } from "./text/f1.ts";
import { levenshtein } from "./text/levenshtein.ts";
import { rouge } from "./text/rouge.ts";

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
  /** For scorers with model calls. Default: no call was made, and all models exist. */
  readonly calls?: CallResources;
}

const NO_CALLS: CallResources = { findAnswer: () => undefined, resolveModel: (name) => ({ name }) };

const CALLING_TYPES: readonly string[] = ["similar", "model-graded"];

const DEFAULT_ENVIRONMENT = { PATH: "/usr/local/bin:/usr/bin:/bin" };

export function createScorerRegistry(options: ScorerRegistryOptions = {}): ScorerRegistry {
  const { baseDir = process.cwd(), environment = DEFAULT_ENVIRONMENT, calls = NO_CALLS } = options;
  const closers = new Set<() => Promise<void>>();
  const resources: ScorerResources = { baseDir, environment, onClose: (close) => closers.add(close) };
  const types = new Map(listTypes(resources, calls).map((type) => [type.type, type]));
  // Rows may have thousands of different checks; their functions and patterns share processes and threads.
  const shared = { ...resources, scriptRunners: new Map(), patternRunners: new Map() };
  // Their model calls could not be known before the rows are read.
  const checkTypes = new Map(
    listTypes(shared, calls).flatMap((type) => (CALLING_TYPES.includes(type.type) ? [] : [[type.type, type] as const])),
  );
  const checks = createChecksScorer((...args) => createScorer(checkTypes, ...args));
  types.set(checks.type, checks);
  const close = async () => {
    await Promise.all([...closers].map((each) => each()));
  };
  return {
    types: [...types.values()],
    create: (...args) => createScorer(types, ...args),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createScorer(
  types: ReadonlyMap<string, ScorerType>,
  name: string,
  type: string,
  options: unknown,
): CreatedScorer {
  const found = types.get(type);
  if (found) return found.create(name, options);
  const message = `unknown scorer "${type}"; ${suggestNames(type, [...types.keys()])}`;
  return { problems: [{ path: ["type"], message }] };
}

function listTypes(resources: ScorerResources, calls: CallResources): ScorerType[] {
  return [
    ...[exact, match, includes, answer, createPatternScorer(resources), choice, numeric, math],
    ...[f1, levenshtein, bleu, rouge, chrf, createSimilarScorer(calls), createModelGradedScorer(calls)],
    ...[
      createJsonScorer(resources),
      createJavascriptScorer(resources),
      createExecutableScorer(resources),
      createCodeScorer(resources),
    ],
  ];
}
