import { useId } from "preact/hooks";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { type ChartProps, getLatestValue } from "./chart-props.ts";
import { Plot } from "./plot.tsx";

/** A line chart over time, with the latest values in its legend. */
export function Chart(props: ChartProps) {
  const { title, unit, lines, format } = props;
  const titleId = useId();
  // A line needs at least two points.
  const isEmpty = !lines.some(({ values }) => values.filter((value) => value !== null).length > 1);
  return (
    <figure class="chart">
      <figcaption>
        <h3 id={titleId}>
          {title} <span>{unit}</span>
        </h3>
        <ul class="legend">
          {lines.map(({ label, values, color }) => (
            <li key={label}>
              <i class={`swatch ${color}`} aria-hidden="true" />
              <span class="muted">
                <UntrustedText value={label} truncate />
              </span>{" "}
              {isEmpty ? null : format(getLatestValue(values))}
            </li>
          ))}
        </ul>
      </figcaption>
      {isEmpty ? <p class="plot no-data">{translations.value.charts.noData}</p> : <Plot {...props} titleId={titleId} />}
    </figure>
  );
}
