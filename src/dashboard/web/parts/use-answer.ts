import { useCallback, useEffect, useState } from "preact/hooks";
import { askServer } from "../server/ask-server.ts";

export interface Loaded<Answer> {
  readonly answer?: Answer;
  readonly error?: unknown;
  readonly again: () => void;
}

/**
 * What the server answers for `path`, again whenever the path changes, every `everyMs` if given, and on `again`. While
 * an answer is on its way the last one of the same path stays; an error never takes away what is shown.
 */
export function useAnswer<Answer>(path: string | undefined, everyMs?: number): Loaded<Answer> {
  const [state, setState] = useState<{ path?: string; answer?: Answer; error?: unknown }>({});
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((count) => count + 1), []);
  useEffect(() => {
    if (path === undefined) return;
    const controller = new AbortController();
    const load = () =>
      askServer<Answer>(path, { signal: controller.signal }).then(
        (answer) => setState({ path, answer }),
        (error: unknown) => {
          if (controller.signal.aborted) return;
          setState((before) => ({ ...(before.path === path ? before : { path }), error }));
        },
      );
    void load();
    const timer = everyMs === undefined ? undefined : setInterval(() => document.hidden || load(), everyMs);
    return () => {
      controller.abort();
      clearInterval(timer);
    };
  }, [path, everyMs, turn]);
  return state.path === path ? { ...state, again } : { again };
}
