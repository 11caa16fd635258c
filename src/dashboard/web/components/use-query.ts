import { useCallback, useEffect, useState } from "preact/hooks";
import { requestApi, ServerError } from "#src/dashboard/web/server/request-api.ts";

export interface QueryState<Answer> {
  readonly answer?: Answer;
  readonly error?: unknown;
  readonly refetch: () => void;
}

/** What ends by itself is asked about again this often, whether or not the answer is to be renewed. */
const RETRY_INTERVAL_MS = 2_000;
const TRANSIENT_CODES: ReadonlySet<string> = new Set(["redis-unavailable", "unreachable"]);

/**
 * What the server answers for `path`, again whenever the path changes, every `everyMs` if given, and on `again`; soon
 * again, too, after an error that ends by itself. While an answer is on its way the last one of the same path stays; an
 * error never takes away what is shown.
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
          setState((before) => ({ ...(before.path === path ? before : { path }), error }));
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
