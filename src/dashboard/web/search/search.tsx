import { useSignal } from "@preact/signals";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { SearchRequest, SearchResult } from "#src/dashboard/items/search-api.ts";
import type { RunList } from "#src/dashboard/runs/run-api.ts";
import { useEventStream } from "#src/dashboard/web/api-client/event-stream.ts";
import { requestApi } from "#src/dashboard/web/api-client/request-api.ts";
import { canOperate } from "#src/dashboard/web/api-client/session.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { escapeControlCharacters } from "#src/dashboard/web/components/escape-control-characters.ts";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { useQuery } from "#src/dashboard/web/components/use-query.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { itemLink } from "#src/dashboard/web/parse-route.ts";

const RUNS_PATH = "api/runs?state=finished&limit=200";

/** Finds the records of a finished embedding run that are most similar to a text. */
export function SearchScreen() {
  useEventStream("", {});
  const { answer, error: listError } = useQuery<RunList>(RUNS_PATH);
  const result = useSignal<(SearchResult & { readonly run: string }) | undefined>(undefined);
  const error = useSignal<unknown>(undefined);
  const isBusy = useSignal(false);
  const t = translations.value.search;
  const runs = answer?.runs.filter(({ kind }) => kind === "embedding" || kind === undefined) ?? [];

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const run = String(fields.get("run"));
    const body: SearchRequest = { text: String(fields.get("text")), top: Number(fields.get("top")) };
    isBusy.value = true;
    error.value = undefined;
    try {
      const found = await requestApi<SearchResult>(`api/runs/${encodeURIComponent(run)}/search`, { body });
      result.value = { ...found, run };
    } catch (thrown) {
      error.value = thrown;
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <>
      <h1>{translations.value.nav.search}</h1>
      {listError === undefined ? null : <ErrorNote error={listError} />}
      <Card title={t.title}>
        {answer !== undefined && runs.length === 0 ? (
          <EmptyState command={SUGGESTED_COMMANDS.embedWithText()}>{t.noRuns}</EmptyState>
        ) : (
          <form class="form card-body" onSubmit={submit}>
            <label class="field">
              <span>{t.run}</span>
              <select class="select" name="run" required>
                {runs.map(({ run, name }) => (
                  <option key={run} value={run}>
                    {escapeControlCharacters(`${name ?? ""} ${run}`.trim())}
                  </option>
                ))}
              </select>
            </label>
            <label class="field grow">
              <span>{t.text}</span>
              <input class="input" name="text" required maxLength={4000} disabled={!canOperate()} />
            </label>
            <label class="field">
              <span>{t.resultCount}</span>
              <select class="select" name="top">
                {[5, 10, 20, 50].map((top) => (
                  <option key={top} value={top} selected={top === 10}>
                    {top}
                  </option>
                ))}
              </select>
            </label>
            <button type="submit" class="button primary" disabled={isBusy.value || !canOperate()}>
              {isBusy.value ? translations.value.common.working : t.searchRecords}
            </button>
            <p class="small muted">{canOperate() ? t.cost : t.operatorsOnly}</p>
          </form>
        )}
      </Card>
      {error.value === undefined ? null : <ErrorNote error={error.value} />}
      {result.value === undefined ? null : <SearchHits result={result.value} run={result.value.run} />}
    </>
  );
}

function SearchHits({ result, run }: { result: SearchResult; run: string }) {
  const t = translations.value.search;
  const { duration } = formatters.value;
  return (
    <Card
      title={t.nearestRecords}
      actions={<span class="small muted">{t.modelAndTime(result.model, duration(result.tookMs))}</span>}
    >
      {result.hits.length === 0 ? <EmptyState>{t.noHits}</EmptyState> : null}
      <ol class="search-hits">
        {result.hits.map((hit) => (
          <li key={hit.index}>
            <span class="score" title={t.score}>
              {hit.score.toFixed(3)}
            </span>
            <div>
              <a href={itemLink(run, hit.index)}>
                <UntrustedText value={hit.id} />
              </a>
              <p class={hit.text === undefined ? "muted small" : "small"}>
                {hit.text === undefined ? t.noText : <UntrustedText value={hit.text} />}
              </p>
            </div>
          </li>
        ))}
      </ol>
    </Card>
  );
}
