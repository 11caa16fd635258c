import { formatLane } from "#src/core/lane.ts";
import type { OpenSpan, TraceContext, Tracer } from "#src/core/tracer.ts";
import { groupByRun, type PendingInput } from "#src/workers/dispatch/pending-input.ts";
import type { CallObserver } from "./call-observer.ts";

/** A call with inputs of several jobs is a child of the first job's trace; up to this many others are linked. */
const MAX_LINKS = 16;

/**
 * Records spans for the wait for a reservation, the call, and the commit of its records: a few spans per call, however
 * many items it carries. Calls without a traced job are left out.
 */
export function traceCalls(tracer: Tracer): CallObserver {
  /** When the last call of these inputs ended (epoch ms); the wait for the next call starts there. */
  const endedAt = new WeakMap<PendingInput, number>();
  return {
    countRecords: () => undefined,
    flushAttempts: async () => undefined,
    call({ lane: { lane }, reservation }, inputs) {
      const [parent, ...links] = collectTraceContexts(inputs);
      const [first] = inputs;
      if (parent === undefined || !first) return NOOP_SPAN;
      const attributes = {
        "sluice.lane": formatLane(lane),
        "sluice.provider": lane.provider,
        "sluice.model": lane.model,
        "sluice.run": first.runId,
        "sluice.runs": groupByRun(inputs).length,
        "sluice.inputs": inputs.length,
        "sluice.attempt": Math.max(...inputs.map(({ attempts }) => attempts)) + 1,
        "sluice.estimated_tokens": inputs.reduce((sum, { tokens }) => sum + tokens, 0),
      };
      const waitedSince = endedAt.get(first) ?? Math.min(...inputs.map(({ arrivedAt }) => arrivedAt));
      tracer
        .startSpan("reserve", { parent, at: Date.now() - (performance.now() - waitedSince), attributes })
        .end({ attributes: { "sluice.reservation": reservation.id } });
      const call = tracer.startSpan("call", { parent, links: links.slice(0, MAX_LINKS), attributes });
      let commit: OpenSpan | undefined;
      return {
        delta: () => undefined,
        answered({ inputTokens, outputTokens, totalTokens }) {
          call.end({
            attributes: {
              "sluice.tokens.input": inputTokens,
              "sluice.tokens.output": outputTokens,
              "sluice.tokens.total": totalTokens,
            },
          });
          commit = tracer.startSpan("commit", { parent: call.context ?? parent, attributes });
        },
        failed({ kind, status }) {
          for (const input of inputs) endedAt.set(input, performance.now());
          call.end({ error: kind, attributes: { "http.response.status_code": status } });
        },
        committed: () => commit?.end(),
      };
    },
  };
}

/** The distinct trace contexts of the inputs' jobs. */
function collectTraceContexts(inputs: readonly PendingInput[]): TraceContext[] {
  return [...new Set(inputs.flatMap(({ trace }) => trace ?? []))];
}

const NOOP_SPAN = {
  delta: () => undefined,
  answered: () => undefined,
  failed: () => undefined,
  committed: () => undefined,
};

/** Returns an observer that forwards everything to both. */
export function combineObservers(a: CallObserver, b: CallObserver): CallObserver {
  return {
    countRecords(kind, records) {
      a.countRecords(kind, records);
      b.countRecords(kind, records);
    },
    async flushAttempts(run) {
      await Promise.all([a.flushAttempts(run), b.flushAttempts(run)]);
    },
    call(grant, inputs) {
      const [one, other] = [a.call(grant, inputs), b.call(grant, inputs)];
      return {
        delta() {
          one.delta();
          other.delta();
        },
        answered(usage) {
          one.answered(usage);
          other.answered(usage);
        },
        failed(error) {
          one.failed(error);
          other.failed(error);
        },
        committed() {
          one.committed();
          other.committed();
        },
      };
    },
  };
}
