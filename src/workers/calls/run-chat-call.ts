import type { FailureDecision } from "#src/core/failures/decide-after-failure.ts";
import { ProviderError } from "#src/core/failures/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Call, ChatModel, ChatRequest, ChatResponse } from "#src/providers/provider.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { PartialWriter } from "#src/state/items/partials.ts";
import type { RecordCall } from "#src/state/record-format/record-codec.ts";
import type { ChatInput } from "#src/workers/dispatch/chat-input.ts";
import type { Grant } from "#src/workers/dispatch/lane-chooser.ts";
import { commitFailure, commitRecords } from "./commit-records.ts";
import type { FailureDeps } from "./handle-failure.ts";
import { PROBE_TEXT } from "./lane-prober.ts";
import { runSingleCall, SINGLE_INPUT } from "./run-single-call.ts";

export interface ChatDeps extends FailureDeps {
  readonly client: RedisClient;
}

/** How often a streamed call checks that its answer is still wanted. */
const CHECK_INTERVAL_MS = 1_000;
const PROBE_MAX_TOKENS = 16;

/**
 * Makes one chat call, commits its record and settles its reservation; writes deltas as they arrive. A request that the
 * adapter would reject fails without a call. Resolves with undefined when the item has its record, otherwise with what to do
 * with it. Never rejects.
 */
export async function runChatCall(
  [input]: readonly ChatInput[],
  grant: Grant<ChatModel>,
  deps: ChatDeps,
): Promise<FailureDecision | undefined> {
  if (!input) return undefined;
  const { lane, reservation } = grant;
  const { limiter } = deps;
  const claimed = await isClaimed(input);
  if (claimed !== true) {
    limiter.settle(lane.lane, [{ id: reservation.id, outcome: "unsent" }]).catch(() => undefined);
    return { action: claimed ? "snooze" : "return-to-queue" };
  }
  const rejection = findRejection(input, lane.model);
  if (rejection !== undefined) {
    limiter.settle(lane.lane, [{ id: reservation.id, outcome: "unsent" }]).catch(() => undefined);
    input.part?.collector.fail();
    await commitFailure([input], { kind: "invalid-request", message: rejection }, deps);
    return { action: "fail" };
  }
  return await runSingleCall(
    input,
    grant,
    {
      request: input.request,
      send: (call, span) =>
        input.partials
          ? streamAnswer(input, input.partials, lane.model, { ...deps, call }, () => span?.delta())
          : lane.model.generate(input.request, call),
      probe: () => probeChatModel(lane.model, input.request, deps.signal),
      commit: (response, call) => commitAnswer(input, response, call, deps),
      part: input.part,
      // Readers have seen deltas of an answer that failed; the next attempt starts from an empty text.
      afterFailure: async ({ action }) => {
        if (action !== "fail") await input.partials?.ledger.restart().catch(() => undefined);
      },
    },
    deps,
  );
}

async function commitAnswer(input: ChatInput, answer: ChatResponse, call: RecordCall, deps: ChatDeps): Promise<void> {
  const { index, attempts, tokens } = input;
  const record = {
    ...{ index, attempts: attempts + 1, json: answer, call },
    tokens: answer.usage.totalTokens ?? tokens * (1 + (answer.choices?.length ?? 0)),
  };
  await commitRecords([input], () => record, { answered: SINGLE_INPUT }, deps);
}

/** Why the adapter rejects the request. An unexpected error is left to the call, which reports it. */
function findRejection({ request }: ChatInput, model: ChatModel): string | undefined {
  const { operation } = request;
  if (operation !== undefined && !model.operations?.includes(operation))
    return `the provider does not offer the operation "${operation}"`;
  try {
    return model.check?.(request).rejected[0];
  } catch {
    return undefined;
  }
}

async function probeChatModel(
  model: ChatModel,
  { operation }: ChatRequest,
  signal: AbortSignal,
): Promise<number | undefined> {
  const messages = [{ role: "user" as const, content: PROBE_TEXT }];
  const request = omitUndefined({ messages, operation, maxTokens: PROBE_MAX_TOKENS });
  return (await model.generate(request, { signal })).usage.totalTokens;
}

/** A claim that takes this long is late: the reservation that was requested together with it may be too old to use. */
const LATE_CLAIM_MS = 300;

/** False, too, when its job has been returned to the queue meanwhile. */
async function isClaimed({ claim, completion }: ChatInput): Promise<boolean | "late"> {
  if (!claim) return true;
  const requestedAt = performance.now();
  if (!(await claim) || completion.isReturning) return false;
  return performance.now() - requestedAt > LATE_CLAIM_MS ? "late" : true;
}

/** Streams the answer and writes its deltas. Aborts the call when the item is cancelled or taken over. */
async function streamAnswer(
  input: ChatInput,
  { keys, ledger }: NonNullable<ChatInput["partials"]>,
  model: ChatModel,
  { client, call }: ChatDeps & { readonly call: Call },
  onDelta: () => void,
): Promise<ChatResponse> {
  const cancellation = new AbortController();
  const writer = new PartialWriter(client, keys, ledger, (state) => cancellation.abort(new Error(state)));
  // Writes reveal that the item has ended, but a model may think for minutes before its first delta.
  const cancellationTimer = setInterval(() => {
    ledger.isCurrent().then(
      (current) => current || cancellation.abort(new Error("cancelled")),
      () => undefined,
    );
  }, CHECK_INTERVAL_MS);
  try {
    const signal = AbortSignal.any([call.signal, cancellation.signal]);
    return await writeDeltas(input, writer, model, { ...call, signal }, onDelta);
  } finally {
    clearInterval(cancellationTimer);
  }
}

async function writeDeltas(
  input: ChatInput,
  writer: PartialWriter,
  model: ChatModel,
  call: Call,
  onDelta: () => void,
): Promise<ChatResponse> {
  for await (const event of model.stream(input.request, call)) {
    if (event.type === "end") {
      await writer.flush();
      return event.response;
    }
    onDelta();
    if (event.type === "text-delta") writer.write("text", event.text);
    else if (event.type === "reasoning-delta") writer.write("reasoning", event.text);
    else if (event.type === "reasoning-details") writer.write("details", JSON.stringify(event.details));
    else {
      const { type: _, ...delta } = event;
      writer.write("tools", JSON.stringify(delta));
    }
  }
  throw new ProviderError("the stream ended without an end event", { kind: "bad-response", provider: "" });
}
