import { useCallback, useEffect, useState } from "preact/hooks";
import { askServer, ServerError } from "../server/ask-server.ts";

export interface Loaded<Answer> {
  readonly answer?: Answer;
  readonly error?: unknown;
  readonly again: () => void;
}

/** What ends by itself is asked about again this often, whether or not the answer is to be renewed. */
const AGAIN_MS = 2_000;
const PASSING: ReadonlySet<string> = new Set(["redis-away", "unreachable"]);

/**
 * What the server answers for `path`, again whenever the path changes, every `everyMs` if given, and on `again`; soon
 * again, too, after an error that ends by itself. While an answer is on its way the last one of the same path stays; an
 * error never takes away what is shown.
 */
export function useAnswer<Answer>(path: string | undefined, everyMs?: number): Loaded<Answer> {
  const [state, setState] = useState<{ path?: string; answer?: Answer; error?: unknown }>({});
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((count) => count + 1), []);
  useEffect(() => {
    if (path === undefined) return;
    const controller = new AbortController();
    let passing: ReturnType<typeof setTimeout> | undefined;
    const load = () =>
      askServer<Answer>(path, { signal: controller.signal }).then(
        (answer) => setState({ path, answer }),
        (error: unknown) => {
          if (controller.signal.aborted) return;
          setState((before) => ({ ...(before.path === path ? before : { path }), error }));
          clearTimeout(passing);
          if (error instanceof ServerError && PASSING.has(error.code)) passing = setTimeout(load, AGAIN_MS);
        },
      );
    void load();
    const timer = everyMs === undefined ? undefined : setInterval(() => document.hidden || load(), everyMs);
    return () => {
      controller.abort();
      clearInterval(timer);
      clearTimeout(passing);
    };
  }, [path, everyMs, turn]);
  return state.path === path ? { ...state, again } : { again };
}
