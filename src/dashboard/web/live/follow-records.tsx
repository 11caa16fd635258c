import { useSignal } from "@preact/signals";
import type { LatestRecord, LatestRecords } from "../../contract.ts";
import { show } from "../format/show.ts";
import { itemLink } from "../parse-route.ts";
import { Empty } from "../parts/card.tsx";
import { Kind } from "../parts/kind.tsx";
import { State } from "../parts/state.tsx";
import { Text } from "../parts/text.tsx";
import { words } from "../words/words.ts";

const KEPT = 50;

export interface FollowedRecordsState {
  readonly run: string;
  readonly at: number;
  readonly records: readonly LatestRecord[];
}

/** Keeps the latest records that the page's stream brings, of one run. */
export function useFollowedRecords() {
  const state = useSignal<FollowedRecordsState | undefined>(undefined);
  return {
    state,
    take: ({ run, at, records }: LatestRecords) => {
      const newest = [...records].reverse();
      const seen = new Set(newest.map(({ index }) => index));
      const kept = state.value?.run === run ? state.value.records : [];
      const before = kept.filter(({ index }) => !seen.has(index));
      state.value = { run, at, records: [...newest, ...before].slice(0, KEPT) };
    },
  };
}

/** A run's latest records, the newest at the top. */
export function FollowedRecords({ run, state }: { run: string; state: FollowedRecordsState | undefined }) {
  const now = state?.run === run ? state : undefined;
  const w = words.value.live;
  if (now === undefined || now.records.length === 0) return <Empty>{w.noRecords}</Empty>;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{w.record}</th>
          <th scope="col">{w.at}</th>
          <th scope="col" class="number">
            {w.tokens}
          </th>
          <th scope="col" class="wide">
            {w.vector}
          </th>
        </tr>
      </thead>
      <tbody>
        {now.records.map((record) => (
          <RecordLine key={record.index} run={run} record={record} now={now.at} />
        ))}
      </tbody>
    </table>
  );
}

function RecordLine({ run, record, now }: { run: string; record: LatestRecord; now: number }) {
  const w = words.value.live;
  const { moment, count } = show.value;
  return (
    <tr>
      <td class="name">
        <a href={itemLink(run, record.index)}>
          <Text value={record.id ?? `#${record.index}`} cut />
        </a>
      </td>
      <td class="line" data-label={w.at}>
        {moment(record.at, now)}
      </td>
      <td class="number" data-label={w.tokens}>
        {count(record.tokens)}
      </td>
      <td class="full">
        {record.failure === undefined ? (
          <span class="mono">
            {record.vector === undefined
              ? count(undefined)
              : `${record.vector.map((value) => value.toFixed(4)).join("  ")} … ${w.dimensions(count(record.dimensions))}`}
          </span>
        ) : (
          <>
            <State tone="bad">
              <Kind kind={record.failure.kind} />
            </State>{" "}
            <Text value={record.failure.message} />
          </>
        )}
      </td>
    </tr>
  );
}
