import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ErrorBody, RunPage } from "../../contract.ts";
import { LaneTable } from "../overview/lane-table.tsx";
import { Card, EmptyState } from "../parts/card.tsx";
import { PhaseBadge } from "../parts/phase.tsx";
import { ErrorMessage } from "../parts/problem.tsx";
import { escapeControlCharacters } from "../parts/show-controls.ts";
import { UntrustedText } from "../parts/text.tsx";
import { ServerError } from "../server/ask-server.ts";
import { useEventStream } from "../server/live.ts";
import { translations } from "../words/words.ts";
import { FailureCauses } from "./clusters.tsx";
import { readFilterFromUrl } from "./item-address.ts";
import { Items } from "./items.tsx";
import { RetryNote } from "./retry-note.tsx";
import { RunActions } from "./run-actions.tsx";
import { RunCharts } from "./run-charts.tsx";
import { RunStats } from "./run-facts.tsx";
import { RunFolder } from "./run-folder.tsx";
import { StopNote } from "./stop-note.tsx";
import type { ItemFilter } from "./wanted-items.ts";

/** One run: how far it is, what it costs, why items fail, and what can be done about it. */
export function Run({ run }: { run: string }) {
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
      <nav class="crumbs" aria-label={t.common.where}>
        <a href="#/runs">{t.nav.runs}</a>
        <span aria-hidden="true">/</span>
        <UntrustedText value={run} isMonospace />
      </nav>
      {refused.value === undefined ? null : (
        <ErrorMessage error={new ServerError(refused.value.code, refused.value.message, refused.value)} />
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
  const filter = useSignal<ItemFilter | undefined>(readFilterFromUrl());
  const formKey = useSignal(0);
  const title = now.name ?? now.run;
  useEffect(() => {
    document.title = `${escapeControlCharacters(title)} · Sluice`;
  }, [title]);
  return (
    <>
      <div class="title">
        <h1>
          <UntrustedText value={title} />
        </h1>
        <PhaseBadge run={now} />
        <RunActions page={now} />
      </div>
      <StopNote page={now} />
      <RetryNote retry={now.retry} />
      <RunStats page={now} />
      <RunCharts run={now.run} />
      <FailureCauses
        page={now}
        onItems={({ kind, cause }) => {
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
      <RunFolder page={now} />
    </>
  );
}
