import { ConfigError, InputError, RunError } from "#src/core/failures/errors.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { formatMany } from "./format/format-number.ts";

/** How to continue a stopped run. */
export const createResumeHint = (run: string): string =>
  `Run "${SUGGESTED_COMMANDS.resume(run)}". It resumes where it stopped.`;

/** Errors that commands report: what happened, to what, and what to do next. */
export const CLI_ERRORS = {
  folderWithoutRun: (dir: string) =>
    new RunError(`${dir} contains no run`, "Name a run, or the output folder of a run."),
  unknownRun: (requested: string) =>
    new RunError(
      `no run "${requested}" in this Redis`,
      `"${SUGGESTED_COMMANDS.runs()}" lists the runs there. An output folder works too.`,
    ),
  ambiguousName: (name: string, runs: readonly string[]) =>
    new RunError(`${runs.length} runs have the name "${name}": ${runs.join(", ")}`, "Use the id of one of them."),
  needsConfirmation: (action: string) =>
    new RunError(`there is no terminal in which Sluice could ask before it ${action}`, "Add --yes to confirm."),
  runNotFinished: (dir: string, state: string) => new RunError(`the run in ${dir} is ${state}`, createResumeHint(dir)),
  nothingToResume: (dir: string, failed: number) =>
    new RunError(
      `the run in ${dir} is finished`,
      failed === 0
        ? undefined
        : `Run "${SUGGESTED_COMMANDS.retry(dir)}" to retry its ${formatMany(failed, "failed item")}.`,
    ),
  commandUnknown: (dir: string) =>
    new RunError(
      `${dir} does not contain the command that started its run`,
      "Run that command again, with the same options and in the same folder: it resumes where it stopped.",
    ),
  notRetryable: (status: string) =>
    new InputError(
      `items with status "${status}" cannot be retried: only failed items can, and with --retry-empty answers without text`,
      "--status",
    ),
  unknownSort: (sort: string, columns: readonly string[]) =>
    new InputError(`unknown order "${sort}": expected ${columns.join(", ")}, with ":desc" to reverse it`, "--sort"),
  unknownExportFormat: (file: string) => new InputError(`${file}: the name must end in .jsonl or .csv`, "--export"),
  emptyQuery: () => new InputError("the text to search for is empty"),
  emptyPrompt: () => new InputError("the prompt is empty"),
  notAChatModel: (model: string, provider: string) =>
    new InputError(`${model} is an embedding model; "${SUGGESTED_COMMANDS.models(provider)}" lists the chat models`),
  incompleteCommand: (word: string, seconds: readonly string[]) =>
    new InputError(`"${word}" needs a second word: ${seconds.join(", ")}`),
  invalidKeyName: (name: string) =>
    new InputError(
      `"${name.slice(0, 100)}" cannot be the name of a key: expected up to 64 letters, digits, spaces, and . _ @ -, beginning with a letter or digit`,
    ),
  keyNameTaken: (name: string) =>
    new RunError(`a valid key has the name "${name}"`, "Choose another name, or revoke that key first."),
  unknownKey: (idOrName: string) =>
    new RunError(
      `no API key has the id or name "${idOrName.slice(0, 100)}"`,
      `"${SUGGESTED_COMMANDS.listKeys()}" lists all keys.`,
    ),
  noLimitGiven: () =>
    new InputError(
      "no limit given: use --requests-per-minute, --tokens-per-minute (or -second, -hour, -day), --concurrency or --clear",
    ),
  invalidLane: (name: string) =>
    new InputError(`"${name.slice(0, 100)}" is not a lane: expected provider/model or provider:account/model`),
  unknownAccount: (provider: string, account: string, names: readonly string[], missing: readonly string[]) =>
    new ConfigError([
      `${provider} has no account "${account}" with a key; known: ${names.join(", ")}${missing.length > 0 ? `; not set: ${missing.join(", ")}` : ""}`,
    ]),
  missingVariables: (provider: string, names: readonly string[]) =>
    new ConfigError(names.map((name) => `${name} is not set, and ${provider} requires it (environment or .env)`)),
  noCredentials: (names: readonly string[]) =>
    new ConfigError([`no provider has credentials; set one of ${names.join(", ")}`]),
  unreadableCertificates: (path: string, reason: string) =>
    new ConfigError([`NODE_EXTRA_CA_CERTS: ${path} cannot be read (${reason})`]),
  noAccount: (model: string) => new RunError(`no account for ${model}`),
  parkedModel: (model: string, reason: string) =>
    new RunError(`${model} is parked: ${reason}`, `Run "${SUGGESTED_COMMANDS.doctor()}" for details.`),
  capabilityMissing: (capability: "chat" | "embeddings" | "reranking") =>
    new RunError(`the configured credentials do not give access to ${capability} at this provider`),
  streamWithoutAnswer: () => new RunError("the stream ended without an answer"),
  portUnavailable: (port: number, isInUse: boolean, cause: unknown) =>
    new RunError(
      isInUse ? `port ${port} is in use` : `this user may not listen on port ${port}`,
      "Choose another port with --port; 0 selects a free port.",
      cause,
    ),
  unknownShell: (shell: string, shells: readonly string[]) =>
    new InputError(`unknown shell "${shell}": expected ${shells.join(", ")}`),
  settingsExist: (path: string) => new RunError(`${path} exists`, "Edit it, or replace it with --force."),
  noSpecGiven: () =>
    new RunError(
      "no spec given",
      `Name one: "${SUGGESTED_COMMANDS.eval()}". "${SUGGESTED_COMMANDS.evalInit()}" writes one.`,
    ),
  noQueriesGiven: () =>
    new InputError("an embedding run needs the folder of an embedding run of the queries", "--queries"),
  noOutputFolder: () => new InputError("no output folder given", "--out"),
  noProviderGiven: () => new InputError("no provider given: name at least one", "--provider"),
  unknownProviderName: (name: string, names: readonly string[]) =>
    new InputError(`unknown provider "${name}": expected one of ${names.join(", ")}`, "--provider"),
  keyOfSeveralProviders: () => new InputError("one variable cannot hold the keys of several providers", "--key-env"),
  noMarkdown: () =>
    new RunError("there is no node_modules folder whose Markdown could be embedded", 'Run "npm install" first.'),
} as const;

/** Hints of `sluice doctor`. */
export const DOCTOR_HINTS = {
  noCredentials: `Set a key in the environment or in .env. "${SUGGESTED_COMMANDS.demo()}" and "${SUGGESTED_COMMANDS.simulate()}" need no key.`,
  manualLimit: (lane: string) => `"${SUGGESTED_COMMANDS.clearLimits(lane)}" returns to the configured limits.`,
  refresh: `"${SUGGESTED_COMMANDS.refreshModels()}" gets the newest one.`,
  missingVariables: `"${SUGGESTED_COMMANDS.providers()}" lists the variables that they need.`,
  pingByName: (provider: string) => `"${SUGGESTED_COMMANDS.ping(`${provider}/MODEL`)}" tests a model that you choose.`,
  limitsDiffer: "Give all workers the same settings; until then, the highest limits apply.",
  parked: "Fix the cause. The next run on this lane reopens it.",
} as const;
