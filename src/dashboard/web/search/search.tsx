import { useSignal } from "@preact/signals";
import type { RunList, SearchRequest, SearchResult } from "../../contract.ts";
import { show } from "../format/show.ts";
import { itemLink } from "../parse-route.ts";
import { Card, Empty } from "../parts/card.tsx";
import { Problem } from "../parts/problem.tsx";
import { showControls } from "../parts/show-controls.ts";
import { Text } from "../parts/text.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { askServer } from "../server/ask-server.ts";
import { useLive } from "../server/live.ts";
import { mayAct } from "../server/session.ts";
import { words } from "../words/words.ts";

const RUNS = "api/runs?state=finished&limit=200";

/** The records of a finished embedding run that are nearest to a text. */
export function Search() {
  useLive("", {});
  const { answer, error: listError } = useAnswer<RunList>(RUNS);
  const result = useSignal<(SearchResult & { readonly run: string }) | undefined>(undefined);
  const error = useSignal<unknown>(undefined);
  const isBusy = useSignal(false);
  const w = words.value.search;
  const runs = answer?.runs.filter(({ kind }) => kind === "embedding" || kind === undefined) ?? [];

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const run = String(fields.get("run"));
    const body: SearchRequest = { text: String(fields.get("text")), top: Number(fields.get("top")) };
    isBusy.value = true;
    error.value = undefined;
    try {
      const found = await askServer<SearchResult>(`api/runs/${encodeURIComponent(run)}/search`, { body });
      result.value = { ...found, run };
    } catch (thrown) {
      error.value = thrown;
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <>
      <h1>{words.value.nav.search}</h1>
      {listError === undefined ? null : <Problem error={listError} />}
      <Card title={w.title}>
        {answer !== undefined && runs.length === 0 ? (
          <Empty command="sluice embed ./docs --model minimax/embo-01 --out ./vectors --with-text">
            {w.noRuns}
          </Empty>
        ) : (
          <form class="form body" onSubmit={submit}>
            <label class="field">
              <span>{w.run}</span>
              <select class="select" name="run" required>
                {runs.map(({ run, name }) => (
                  <option key={run} value={run}>
                    {showControls(`${name ?? ""} ${run}`.trim())}
                  </option>
                ))}
              </select>
            </label>
            <label class="field grow">
              <span>{w.text}</span>
              <input class="input" name="text" required maxLength={4000} disabled={!mayAct()} />
            </label>
            <label class="field">
              <span>{w.top}</span>
              <select class="select" name="top">
                {[5, 10, 20, 50].map((top) => (
                  <option key={top} value={top} selected={top === 10}>
                    {top}
                  </option>
                ))}
              </select>
            </label>
            <button type="submit" class="button primary" disabled={isBusy.value || !mayAct()}>
              {isBusy.value ? words.value.common.working : w.search}
            </button>
            <p class="small soft">{mayAct() ? w.costs : w.operatorsOnly}</p>
          </form>
        )}
      </Card>
      {error.value === undefined ? null : <Problem error={error.value} />}
      {result.value === undefined ? null : <Hits result={result.value} run={result.value.run} />}
    </>
  );
}

function Hits({ result, run }: { result: SearchResult; run: string }) {
  const w = words.value.search;
  const { duration } = show.value;
  return (
    <Card
      title={w.nearest}
      end={<span class="small soft">{w.took(result.model, duration(result.tookMs))}</span>}
    >
      {result.hits.length === 0 ? <Empty>{w.noHits}</Empty> : null}
      <ol class="hits">
        {result.hits.map((hit) => (
          <li key={hit.index}>
            <span class="score" title={w.score}>
              {hit.score.toFixed(3)}
            </span>
            <div>
              <a href={itemLink(run, hit.index)}>
                <Text value={hit.id} />
              </a>
              <p class={hit.text === undefined ? "soft small" : "small"}>
                {hit.text === undefined ? w.noText : <Text value={hit.text} />}
              </p>
            </div>
          </li>
        ))}
      </ol>
    </Card>
  );
}
