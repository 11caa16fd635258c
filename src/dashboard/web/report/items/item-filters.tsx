import { escapeControlCharacters } from "#src/dashboard/web/components/escape-control-characters.ts";
import type { OutcomeFilter, RowFilter, RowOrder } from "#src/dashboard/web/report/filter-rows.ts";
import type { ReportState } from "#src/dashboard/web/report/report-state.ts";
import { texts } from "#src/dashboard/web/report/texts/texts.ts";

const MAX_OPTION_CHARS = 80;
const OUTCOMES: readonly OutcomeFilter[] = [
  "any",
  "low",
  "high",
  "differ",
  "unparseable",
  "refused",
  "failed",
  "error",
];
const ORDERS: readonly RowOrder[] = ["dataset", "worst", "disagreement"];

/** The form above the list; a change applies at once. */
export function ItemFilters({ state }: { state: ReportState }) {
  const t = texts.value;
  const filter = state.filter.value;
  const change = (next: RowFilter) => {
    state.filter.value = next;
  };
  return (
    <form class="form card-body" onSubmit={(event) => event.preventDefault()}>
      <label class="field grow">
        <span>{t.search}</span>
        <input
          class="input"
          type="search"
          placeholder={t.searchPlaceholder}
          value={filter.text}
          onInput={(event) => change({ ...filter, text: event.currentTarget.value })}
        />
      </label>
      {listFields(state).map(({ label, selected, options, read }) => (
        <label key={label} class="field">
          <span>{label}</span>
          <select class="select" value={selected} onChange={(event) => change(read(event.currentTarget.value))}>
            {options.map(([value, shown]) => (
              <option key={value} value={value}>
                {escapeControlCharacters(shown.slice(0, MAX_OPTION_CHARS))}
              </option>
            ))}
          </select>
        </label>
      ))}
      <button type="button" class="button" onClick={() => change({ ...state.createFilter(), scorer: filter.scorer })}>
        {t.reset}
      </button>
    </form>
  );
}

interface FilterField {
  readonly label: string;
  readonly selected: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  /** The filter with this value. */
  readonly read: (value: string) => RowFilter;
}

/** The fields that offer a choice. */
function listFields(state: ReportState): FilterField[] {
  const t = texts.value;
  const filter = state.filter.value;
  const { scorer, outcome, variant, dataset, group, order } = filter;
  const { datasets, groups } = listChoices(state);
  const outcomes = OUTCOMES.filter((name) => name !== "differ" || state.variants.length > 1);
  const groupKey = (each: RowFilter["group"]) => (each ? JSON.stringify([each.field, each.value]) : "");
  const fields: readonly FilterField[] = [
    {
      ...{ label: t.scorer, selected: scorer, options: state.scorers.map((name) => [name, name] as const) },
      read: (value) => ({ ...filter, scorer: value }),
    },
    {
      ...{ label: t.outcome, selected: outcome, options: outcomes.map((name) => [name, t.outcomes[name]] as const) },
      read: (value) => ({ ...filter, outcome: OUTCOMES.find((name) => name === value) ?? "any" }),
    },
    {
      ...{ label: t.model, selected: String(variant ?? "") },
      options: [["", t.anyModel], ...state.variants.map(({ index, label }) => [String(index), label] as const)],
      read: (value) => ({ ...filter, variant: value === "" ? undefined : Number(value) }),
    },
    {
      ...{ label: t.dataset, selected: dataset ?? "" },
      options: [["", t.all], ...datasets.map((name) => [name, name] as const)],
      read: (value) => ({ ...filter, dataset: value || undefined }),
    },
    {
      ...{ label: t.field, selected: groupKey(group) },
      options: [["", t.all], ...groups.map((each) => [groupKey(each), `${each.field}: ${each.value}`] as const)],
      read: (value) => ({ ...filter, group: groups.find((each) => groupKey(each) === value) }),
    },
    {
      ...{ label: t.order, selected: order, options: ORDERS.map((name) => [name, t.orders[name]] as const) },
      read: (value) => ({ ...filter, order: ORDERS.find((name) => name === value) ?? "dataset" }),
    },
  ];
  // "All" and one value are no choice.
  return fields.filter(({ options }) => options.length > (options[0]?.[0] === "" ? 2 : 1));
}

function listChoices({ head }: ReportState) {
  const results = head.evaluations.map((evaluation) => evaluation.results);
  const groups = new Map(
    results
      .flatMap(({ metrics }) => metrics.flatMap((metric) => metric.groups))
      .map(({ field, value }) => [JSON.stringify([field, value]), { field, value }]),
  );
  return {
    datasets: [...new Set(results.flatMap(({ datasets }) => datasets.map(({ name }) => name)))],
    groups: [...groups.values()].sort(
      (a, b) => a.field.localeCompare(b.field) || a.value.localeCompare(b.value, "en", { numeric: true }),
    ),
  };
}
