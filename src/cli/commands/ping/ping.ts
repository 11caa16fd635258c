import { ERROR_HINTS } from "#src/cli/error-hints.ts";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatDuration } from "#src/cli/format/format-duration.ts";
import { formatCount, formatMany, UNKNOWN_VALUE } from "#src/cli/format/format-number.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { truncate } from "#src/cli/format/text-width.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { openProvider, openTransport, requireLanes } from "#src/cli/wiring/lanes.ts";
import { writeModelNotices } from "#src/cli/wiring/model-notices.ts";
import type { Account } from "#src/config/accounts.ts";
import { type Config, loadConfig } from "#src/config/config.ts";
import { ProviderError, type ProviderErrorKind } from "#src/core/failures/errors.ts";
import { appendProviderText, redactProviderText } from "#src/core/failures/provider-text.ts";
import type { ChatModel, EmbeddingModel, RerankModel, Usage } from "#src/providers/provider.ts";
import type { pingCommand } from "./definition.ts";

/** The outcome of one call. Times are in ms; values that the provider did not report are absent. */
export interface PingResult {
  readonly model: string;
  readonly account: string;
  readonly ok: boolean;
  /** Chat only: time from the call to the first delta of text or reasoning. */
  readonly firstTokenMs?: number;
  readonly totalMs: number;
  readonly usage?: Usage;
  /** The text of a chat answer, the dimensions of a vector, or a score. */
  readonly answer?: string;
  readonly error?: {
    readonly kind: ProviderErrorKind;
    readonly message: string;
    readonly code?: string;
    readonly status?: number;
    /** The provider's own message, redacted, and the parameter that it names. */
    readonly providerMessage?: string;
    readonly param?: string;
    readonly hint: string;
  };
}

const QUESTION = "Say hello in one short sentence.";
/** Enough for reasoning models to reach the answer, and so few that the call costs almost nothing. */
const MAX_TOKENS = 256;

/** `sluice ping provider/model`: one call with the configured credentials. The exit code is 2 if it failed. */
export async function runPing(fullName: string, options: OptionValues<typeof pingCommand>): Promise<number> {
  const config = loadConfig({ file: options.config });
  const account = chooseAccount(config, fullName, options.account);
  writeModelNotices(config, [fullName]);
  const interrupt = listenForInterrupt();
  try {
    const result = await pingModel(config, fullName, account, interrupt.signal);
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else (result.ok ? process.stdout : process.stderr).write(describePing(result));
    if (interrupt.signal.aborted) return EXIT_CODES.interrupted;
    return result.ok ? EXIT_CODES.ok : EXIT_CODES.couldNotComplete;
  } finally {
    interrupt.dispose();
  }
}

function chooseAccount(config: Config, fullName: string, requested: string | undefined): Account {
  requireLanes(config, fullName);
  const { provider } = config.registry.findModel(fullName);
  const accounts = config.accounts(provider);
  const found = accounts.find(({ name }) => requested === undefined || name === requested);
  if (found) return found;
  const names = accounts.map(({ name }) => name);
  throw CLI_ERRORS.unknownAccount(provider, requested ?? "", names, config.missing(provider));
}

/** Calls a model once. A failure of the call is a result, not an error. */
export async function pingModel(
  config: Config,
  fullName: string,
  account: Account,
  signal: AbortSignal,
): Promise<PingResult> {
  const { provider: name, model } = config.registry.findModel(fullName);
  const transport = openTransport(config);
  const provider = openProvider(config, name, account, transport);
  const started = performance.now();
  const identity = { model: fullName, account: account.name };
  try {
    const callResult =
      model.kind === "chat"
        ? await pingChat(provider.chat?.(model.name), signal, started)
        : model.kind === "rerank"
          ? await pingRerank(provider.rerank?.(model.name), signal)
          : await pingEmbedding(provider.embedding?.(model.name), signal);
    return { ...identity, ok: true, totalMs: performance.now() - started, ...callResult };
  } catch (thrown) {
    if (!(thrown instanceof ProviderError)) throw thrown;
    const error = redactProviderText(thrown, { question: QUESTION });
    return {
      ...identity,
      ok: false,
      totalMs: performance.now() - started,
      error: {
        kind: error.kind,
        message: error.message,
        code: error.code,
        status: error.status,
        providerMessage: error.providerMessage,
        param: error.param,
        hint: ERROR_HINTS[error.kind],
      },
    };
  } finally {
    await provider.close();
    await transport.close();
  }
}

type CallResult = Pick<PingResult, "firstTokenMs" | "usage" | "answer">;

async function pingChat(model: ChatModel | undefined, signal: AbortSignal, started: number): Promise<CallResult> {
  if (!model) throw CLI_ERRORS.capabilityMissing("chat");
  let firstTokenMs: number | undefined;
  const request = { messages: [{ role: "user" as const, content: QUESTION }], maxTokens: MAX_TOKENS };
  for await (const event of model.stream(request, { signal })) {
    if (event.type !== "end") firstTokenMs ??= performance.now() - started;
    else {
      const { usage, text } = event.response;
      return { firstTokenMs, usage, answer: text };
    }
  }
  throw CLI_ERRORS.streamWithoutAnswer();
}

async function pingEmbedding(model: EmbeddingModel | undefined, signal: AbortSignal): Promise<CallResult> {
  if (!model) throw CLI_ERRORS.capabilityMissing("embeddings");
  const { usage, dimensions } = await model.embed({ inputs: ["hello"], purpose: "query" }, { signal });
  return { usage, answer: formatMany(dimensions, "dimension") };
}

async function pingRerank(model: RerankModel | undefined, signal: AbortSignal): Promise<CallResult> {
  if (!model) throw CLI_ERRORS.capabilityMissing("reranking");
  const { usage, results } = await model.rerank({ query: "hello", documents: ["hello"] }, { signal });
  return { usage, answer: `score ${results[0]?.score}` };
}

function describePing(result: PingResult): string {
  const { error, firstTokenMs, totalMs, usage, answer } = result;
  const model = result.account === "default" ? result.model : `${result.model} (account ${result.account})`;
  if (error) {
    const status = error.status === undefined ? "" : `, HTTP ${error.status}`;
    return `${model}: failed after ${formatDuration(totalMs)} (${error.kind}${status})\n  ${sanitize(appendProviderText(error.message, error))}\n  ${error.hint}\n`;
  }
  const lines = [
    firstTokenMs === undefined ? [] : ["first token", formatDuration(firstTokenMs)],
    ["total", formatDuration(totalMs)],
    ["usage", formatUsage(usage)],
    ["answer", answer === undefined ? UNKNOWN_VALUE : truncate(sanitize(answer), 72)],
  ];
  return `${model}: ok\n${lines
    .filter((line) => line.length > 0)
    .map(([title = "", value]) => `  ${title.padEnd(12)}${value}\n`)
    .join("")}`;
}

function formatUsage({ inputTokens, outputTokens, totalTokens }: Usage = {}): string {
  const parts = [
    inputTokens === undefined ? [] : `${formatCount(inputTokens)} in`,
    outputTokens === undefined ? [] : `${formatCount(outputTokens)} out`,
    totalTokens === undefined ? [] : `${formatCount(totalTokens)} tokens`,
  ].flat();
  return parts.length === 0 ? UNKNOWN_VALUE : parts.join(", ");
}
