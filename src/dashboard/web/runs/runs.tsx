import { useSignal } from "@preact/signals";
import type { RunList, RunPhaseView } from "../../contract.ts";
import { show } from "../format/show.ts";
import { RunTable } from "../overview/run-table.tsx";
import { Card, Empty } from "../parts/card.tsx";
import { Problem } from "../parts/problem.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { useLive } from "../server/live.ts";
import { words } from "../words/words.ts";

const PAGE = 50;
/** A list that was asked for by text, state or page is read again this often; the newest runs come by themselves. */
const AGAIN_MS = 5_000;
const PHASES: readonly RunPhaseView[] = [
  "planning",
  "running",
  "paused",
  "snoozing",
  "parked",
  "stopped",
  "finishing",
  "finished",
  "cancelled",
];

/** All runs, the newest first. */
export function Runs() {
  const newest = useSignal<RunList | undefined>(undefined);
  const [text, state, offset] = [useSignal(""), useSignal(""), useSignal(0)];
  const isAsked = text.value !== "" || state.value !== "" || offset.value > 0;
  useLive(isAsked ? "" : "runs=1", {
    runs: (next) => {
      newest.value = next;
    },
  });
  const query = new URLSearchParams({ offset: String(offset.value), limit: String(PAGE) });
  if (text.value !== "") query.set("text", text.value);
  if (state.value !== "") query.set("state", state.value);
  const asked = useAnswer<RunList>(isAsked ? `api/runs?${query}` : undefined, AGAIN_MS);
  const list = isAsked ? asked.answer : newest.value;
  const w = words.value;
  return (
    <>
      <div class="title">
        <h1>{w.nav.runs}</h1>
        <Filter text={text} state={state} offset={offset} />
      </div>
      {isAsked && asked.error !== undefined ? <Problem error={asked.error} /> : null}
      <Card title={list === undefined ? w.nav.runs : w.runs.count(show.value.count(list.total))}>
        <List list={list} isFiltered={text.value !== "" || state.value !== ""} />
      </Card>
      {list === undefined ? null : <Pager list={list} offset={offset} />}
    </>
  );
}

function List({ list, isFiltered }: { list: RunList | undefined; isFiltered: boolean }) {
  const w = words.value;
  if (list === undefined) return <Empty>{w.common.loading}</Empty>;
  if (list.runs.length > 0) return <RunTable runs={list.runs} at={list.at} />;
  if (isFiltered) return <Empty>{w.runs.noneFits}</Empty>;
  return <Empty command="sluice embed ./docs --model minimax/embo-01 --out ./vectors">{w.runs.none}</Empty>;
}

interface Box<Value> {
  value: Value;
}

function Filter({ text, state, offset }: { text: Box<string>; state: Box<string>; offset: Box<number> }) {
  const w = words.value;
  return (
    <search class="form actions">
      <label class="field">
        <span>{w.runs.filter}</span>
        <input
          class="input"
          type="search"
          value={text.value}
          maxLength={200}
          onInput={(event) => {
            text.value = event.currentTarget.value;
            offset.value = 0;
          }}
        />
      </label>
      <label class="field">
        <span>{w.runs.phase}</span>
        <select
          class="select"
          value={state.value}
          onChange={(event) => {
            state.value = event.currentTarget.value;
            offset.value = 0;
          }}
        >
          <option value="">{w.runs.anyPhase}</option>
          {PHASES.map((phase) => (
            <option key={phase} value={phase}>
              {w.phases[phase]}
            </option>
          ))}
        </select>
      </label>
    </search>
  );
}

function Pager({ list, offset }: { list: RunList; offset: Box<number> }) {
  const w = words.value.common;
  if (list.total <= PAGE && list.offset === 0) return null;
  return (
    <nav class="actions" aria-label={w.pages}>
      <button
        type="button"
        class="button"
        disabled={list.offset === 0}
        onClick={() => {
          offset.value = Math.max(0, offset.value - PAGE);
        }}
      >
        {w.newer}
      </button>
      <button
        type="button"
        class="button"
        disabled={list.offset + list.runs.length >= list.total}
        onClick={() => {
          offset.value += PAGE;
        }}
      >
        {w.older}
      </button>
    </nav>
  );
}
