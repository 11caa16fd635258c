import { ERROR_HINTS } from "#src/cli/error-hints.ts";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatDuration } from "#src/cli/format/format-duration.ts";
import { formatCount, formatMany, UNKNOWN_VALUE } from "#src/cli/format/format-number.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { truncate } from "#src/cli/format/text-width.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { openTransport, requireLanes } from "#src/cli/wiring/lanes.ts";
import { openConfig } from "#src/cli/wiring/open-config.ts";
import type { Account } from "#src/config/accounts.ts";
import { type Config, revealAccount } from "#src/config/config.ts";
import { ConfigError, ProviderError, type ProviderErrorKind, RunError } from "#src/core/errors.ts";
import type { ChatModel, EmbeddingModel, Usage } from "#src/providers/provider.ts";

export interface PingCommandOptions {
  /** Of several accounts; the first by default. */
  readonly account?: string;
  readonly json: boolean;
  readonly config?: string;
}

/** How one call went. Times in ms; a figure the provider did not report is absent. */
export interface PingResult {
  readonly model: string;
  readonly account: string;
  readonly ok: boolean;
  /** Of chat: from the call to the first increment of text or reasoning. */
  readonly firstTokenMs?: number;
  readonly totalMs: number;
  readonly usage?: Usage;
  /** What came back, in a few words. */
  readonly answer?: string;
  readonly error?: {
    readonly kind: ProviderErrorKind;
    readonly message: string;
    readonly code?: string;
    readonly status?: number;
    readonly hint: string;
  };
}

const QUESTION = "Say hello in one short sentence.";
/** Enough for models that think first to reach a sentence, and little enough to cost nothing. */
const MAX_TOKENS = 256;

/** `sluice ping provider/model`: one call with real credentials. Exit code 2 when it failed. */
export async function runPing(fullName: string, options: PingCommandOptions): Promise<number> {
  const config = openConfig(options.config);
  const account = chooseAccount(config, fullName, options.account);
  const interrupt = listenForInterrupt();
  try {
    const result = await ping(config, fullName, account, interrupt.signal);
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
  const accounts = config.accounts(config.registry.findModel(fullName).provider);
  const found = accounts.find(({ name }) => requested === undefined || name === requested);
  if (found) return found;
  throw new ConfigError([
    `account "${requested}" is not configured; known: ${accounts.map(({ name }) => name).join(", ")}`,
  ]);
}

async function ping(config: Config, fullName: string, account: Account, signal: AbortSignal): Promise<PingResult> {
  const { provider: name, model } = config.registry.findModel(fullName);
  const transport = openTransport(config);
  const provider = config.registry.createProvider(name, revealAccount(account), transport);
  const started = performance.now();
  const identity = { model: fullName, account: account.name };
  try {
    const callResult =
      model.kind === "chat"
        ? await pingChat(provider.chat?.(model.name), signal, started)
        : await pingEmbedding(provider.embedding?.(model.name), signal);
    return { ...identity, ok: true, totalMs: performance.now() - started, ...callResult };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return {
      ...identity,
      ok: false,
      totalMs: performance.now() - started,
      error: {
        kind: error.kind,
        message: error.message,
        ...(error.code !== undefined && { code: error.code }),
        ...(error.status !== undefined && { status: error.status }),
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
  if (!model) throw new RunError("this provider has no chat with the credentials it has");
  let firstTokenMs: number | undefined;
  const request = { messages: [{ role: "user" as const, content: QUESTION }], maxTokens: MAX_TOKENS };
  for await (const event of model.stream(request, { signal })) {
    if (event.type !== "end") firstTokenMs ??= performance.now() - started;
    else {
      const { usage, text } = event.response;
      return { ...(firstTokenMs !== undefined && { firstTokenMs }), usage, answer: text };
    }
  }
  throw new RunError("the stream ended without an answer");
}

async function pingEmbedding(model: EmbeddingModel | undefined, signal: AbortSignal): Promise<CallResult> {
  if (!model) throw new RunError("this provider has no embeddings with the credentials it has");
  const { usage, dimensions } = await model.embed({ inputs: ["hello"], purpose: "query" }, { signal });
  return { usage, answer: formatMany(dimensions, "dimension") };
}

function describePing(result: PingResult): string {
  const { model, error, firstTokenMs, totalMs, usage, answer } = result;
  if (error) {
    const about = [error.kind, error.status === undefined ? undefined : `HTTP ${error.status}`].filter(
      (part) => part !== undefined,
    );
    return `${model}: failed after ${formatDuration(totalMs)} (${about.join(", ")})\n  ${error.message}\n  ${error.hint}\n`;
  }
  const lines = [
    ["first token", formatDuration(firstTokenMs)],
    ["total", formatDuration(totalMs)],
    ["usage", formatUsage(usage)],
    ["answer", answer === undefined ? UNKNOWN_VALUE : truncate(sanitize(answer), 72)],
  ];
  return `${model}: ok\n${lines.map(([title = "", value]) => `  ${title.padEnd(12)}${value}\n`).join("")}`;
}

function formatUsage({ inputTokens, outputTokens, totalTokens }: Usage = {}): string {
  const parts = [
    inputTokens === undefined ? undefined : `${formatCount(inputTokens)} in`,
    outputTokens === undefined ? undefined : `${formatCount(outputTokens)} out`,
    totalTokens === undefined ? undefined : `${formatCount(totalTokens)} tokens`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? UNKNOWN_VALUE : parts.join(", ");
}
