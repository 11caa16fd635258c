import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ErrorBody } from "#src/dashboard/http/error-api.ts";
import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import { useEventStream } from "#src/dashboard/web/api-client/event-stream.ts";
import { ServerError } from "#src/dashboard/web/api-client/request-api.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { escapeControlCharacters } from "#src/dashboard/web/components/escape-control-characters.ts";
import { PhaseBadge } from "#src/dashboard/web/components/phase-badge.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { RunScores } from "#src/dashboard/web/evaluations/run-scores.tsx";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { LaneTable } from "#src/dashboard/web/overview/lane-table.tsx";
import { FailureCauses } from "./failure-causes.tsx";
import type { ItemSearchFilter } from "./item-filter.ts";
import { readFilterFromUrl } from "./item-filter-url.ts";
import { Items } from "./items.tsx";
import { OutputCard } from "./output-card.tsx";
import { RetryNote } from "./retry-note.tsx";
import { RunActions } from "./run-actions.tsx";
import { RunCharts } from "./run-charts.tsx";
import { RunStats } from "./run-stats.tsx";
import { StopNote } from "./stop-note.tsx";

/** The page of a run: progress, cost, failures, items, and actions. */
export function RunScreen({ run }: { run: string }) {
  const page = useSignal<RunPage | undefined>(undefined);
  const refused = useSignal<ErrorBody["error"] | undefined>(undefined);
  useEventStream(`run=${encodeURIComponent(run)}`, {
    run: (next) => {
      page.value = next;
      refused.value = undefined;
    },
    refused: ({ error }) => {
      refused.value = error;
    },
  });
  const now = page.value;
  const t = translations.value;
  return (
    <>
      <nav class="breadcrumbs" aria-label={t.common.breadcrumb}>
        <a href="#/runs">{t.nav.runs}</a>
        <span aria-hidden="true">/</span>
        <UntrustedText value={run} isMonospace />
      </nav>
      {refused.value === undefined ? null : (
        <ErrorNote error={new ServerError(refused.value.code, refused.value.message, refused.value)} />
      )}
      {now === undefined ? (
        refused.value === undefined ? (
          <EmptyState>{t.common.loading}</EmptyState>
        ) : null
      ) : (
        <RunDetails now={now} />
      )}
    </>
  );
}

function RunDetails({ now }: { now: RunPage }) {
  const t = translations.value;
  const filter = useSignal<ItemSearchFilter | undefined>(readFilterFromUrl());
  const formKey = useSignal(0);
  const title = now.name ?? now.run;
  useEffect(() => {
    document.title = `${escapeControlCharacters(title)} · Sluice`;
  }, [title]);
  return (
    <>
      <div class="page-title">
        <h1>
          <UntrustedText value={title} />
        </h1>
        <PhaseBadge run={now} />
        <RunActions page={now} />
      </div>
      {now.note === undefined ? null : (
        <p>
          <UntrustedText value={now.note} />
        </p>
      )}
      <StopNote page={now} />
      <RetryNote retry={now.retry} />
      <RunStats page={now} />
      {now.kind === "evaluation" ? <RunScores page={now} /> : null}
      <RunCharts run={now.run} />
      <FailureCauses
        page={now}
        onShowItems={({ kind, cause }) => {
          formKey.value += 1;
          filter.value = { status: "failed", kind, cause };
          document.getElementById("items")?.scrollIntoView();
        }}
      />
      <Items page={now} filter={filter} formKey={formKey.value} />
      {now.lanes.length === 0 ? null : (
        <Card title={t.lanes.title}>
          <LaneTable lanes={now.lanes} at={now.at} />
        </Card>
      )}
      <OutputCard page={now} />
    </>
  );
}
