import { useCallback, useEffect, useState } from "preact/hooks";
import { requestApi, ServerError } from "#src/dashboard/web/api-client/request-api.ts";

export interface QueryState<Answer> {
  readonly answer?: Answer;
  readonly error?: unknown;
  readonly refetch: () => void;
}

/** Requests that failed with a transient error are repeated this often, even without a refresh interval. */
const RETRY_INTERVAL_MS = 2_000;
const TRANSIENT_CODES: ReadonlySet<string> = new Set(["redis-unavailable", "unreachable"]);

/**
 * Requests `path` whenever it changes, every `intervalMs` if given, on `refetch`, and soon after a transient error.
 * The last answer for the same path stays available while a request is in flight and after an error.
 */
export function useQuery<Answer>(path: string | undefined, intervalMs?: number): QueryState<Answer> {
  const [state, setState] = useState<{ path?: string; answer?: Answer; error?: unknown }>({});
  const [refetchCount, setRefetchCount] = useState(0);
  const refetch = useCallback(() => setRefetchCount((count) => count + 1), []);
  useEffect(() => {
    if (path === undefined) return;
    const controller = new AbortController();
    let retryTimer: ReturnType<typeof setTimeout> | undefined;
    const load = () =>
      requestApi<Answer>(path, { signal: controller.signal }).then(
        (answer) => setState({ path, answer }),
        (error: unknown) => {
          if (controller.signal.aborted) return;
          setState((previous) => ({ path, answer: previous.path === path ? previous.answer : undefined, error }));
          clearTimeout(retryTimer);
          if (error instanceof ServerError && TRANSIENT_CODES.has(error.code))
            retryTimer = setTimeout(load, RETRY_INTERVAL_MS);
        },
      );
    void load();
    const timer = intervalMs === undefined ? undefined : setInterval(() => document.hidden || load(), intervalMs);
    return () => {
      controller.abort();
      clearInterval(timer);
      clearTimeout(retryTimer);
    };
  }, [path, intervalMs, refetchCount]);
  return state.path === path ? { ...state, refetch } : { refetch };
}
