/** A command line that a shell passes on as these arguments, whatever they contain. */
export function quoteShellWords(...words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}

function suggest(...args: readonly string[]): string {
  return quoteShellWords("sluice", ...args);
}

/**
 * Every command line that messages, hints, and pages suggest. A test passes them through a shell and parses them with the
 * definitions of the commands, and keeps other files from spelling their own. `run` is a run's id or its folder.
 */
export const SUGGESTED_COMMANDS = {
  help: (command?: string) => (command === undefined ? suggest("--help") : suggest(...command.split(" "), "--help")),
  embed: () => suggest("embed", "./docs", "--model", "minimax/embo-01", "--out", "./vectors"),
  embedWithText: () => suggest("embed", "./docs", "--model", "minimax/embo-01", "--out", "./vectors", "--with-text"),
  eval: () => suggest("eval", "spec.yaml", "--out", "./results"),
  evalInit: () => suggest("eval", "--init", "questions.jsonl"),
  evalDryRun: (spec: string) => suggest("eval", spec, "--out", "./results", "--dry-run"),
  score: (dir: string) => suggest("score", dir),
  search: () => suggest("search", "./vectors", "how do I set a timeout"),
  chat: () => suggest("chat", "Why is the sky blue?", "--model", "zhipu/glm-4-plus"),
  runs: () => suggest("runs"),
  allRuns: () => suggest("runs", "--all"),
  resume: (run: string) => suggest("resume", run),
  retry: (run: string) => suggest("retry", run),
  retryEmpty: (run: string) => suggest("retry", run, "--retry-empty"),
  ping: (model: string) => suggest("ping", model),
  providers: () => suggest("providers"),
  models: (provider?: string) => (provider === undefined ? suggest("models") : suggest("models", provider)),
  refreshModels: () => suggest("models", "--refresh"),
  clearLimits: (lane: string) => suggest("set-limit", lane, "--clear"),
  raiseLimit: () => suggest("set-limit", "minimax/embo-01", "--requests-per-minute", "6000"),
  doctor: () => suggest("doctor"),
  doctorAll: () => suggest("doctor", "--all"),
  demo: () => suggest("demo"),
  simulate: () => suggest("simulate"),
  createKey: () => suggest("keys", "create", "laptop"),
  listKeys: () => suggest("keys", "list", "--all"),
  worker: () => suggest("worker"),
  up: () => suggest("up"),
} as const;
