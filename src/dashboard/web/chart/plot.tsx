import { useSignal } from "@preact/signals";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { findNearestStep, getTimeShare, listTimeTicks, listValueTicks } from "./axes.ts";
import { buildPath, PLOT_SIZE } from "./build-path.ts";
import { type ChartProps, getLatestValue } from "./chart-props.ts";
import { findNearbyEvents, listRunEvents, type RunMarker } from "./run-events.ts";

const toPercent = (share: number): string => `${share * 100}%`;

/** Steps that a key moves by; from the last step if none is selected. */
const KEY_STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

/**
 * The lines, axes, and run markers of a chart. It shows the values of the step under the pointer or the finger, or of the
 * step that is selected with the arrow keys; screen readers announce them like the value of a slider.
 */
export function Plot({
  at,
  lines,
  runs = [],
  format,
  formatAxis = format,
  titleId,
}: ChartProps & { readonly titleId: string }) {
  // A time and not an index, because the oldest steps are dropped as new ones arrive.
  const selected = useSignal<number | undefined>(undefined);
  const index = selected.value === undefined ? -1 : at.indexOf(selected.value);
  const ticks = listValueTicks(Math.max(0, ...lines.flatMap(({ values }) => values.filter((value) => value !== null))));
  const max = ticks.at(-1) || 1;
  const events = listRunEvents(runs, at);
  const selectAt = (event: PointerEvent & { readonly currentTarget: HTMLElement }) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    selected.value = at[findNearestStep((event.clientX - left) / Math.max(1, width), at)];
  };
  const clear = () => {
    selected.value = undefined;
  };
  const selectByKey = (event: KeyboardEvent) => {
    if (event.key === "Escape") clear();
    const step = KEY_STEPS[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    selected.value = at[Math.max(0, Math.min(at.length - 1, (index < 0 ? at.length - 1 : index) + step))];
  };
  return (
    <div class="plot">
      <div class="value-axis" aria-hidden="true">
        {ticks.map((value) => (
          <span key={value} style={{ bottom: toPercent(value / max) }}>
            {formatAxis(value)}
          </span>
        ))}
      </div>
      <div
        class="plot-area"
        role="slider"
        tabIndex={0}
        aria-labelledby={titleId}
        aria-valuemin={0}
        aria-valuemax={at.length - 1}
        aria-valuenow={index < 0 ? at.length - 1 : index}
        aria-valuetext={describeStep({ at, lines, format }, index, findNearbyEvents(events, at, index))}
        onPointerDown={selectAt}
        onPointerMove={selectAt}
        // The values stay visible after a touch, until something else is touched.
        onPointerLeave={(event) => (event.pointerType === "mouse" ? clear() : undefined)}
        onBlur={clear}
        onKeyDown={selectByKey}
      >
        <Lines at={at} lines={lines} ticks={ticks} max={max} />
        {events.map((event) => (
          <i
            key={`${event.kind} ${event.run}`}
            class={`run-marker ${event.kind}`}
            style={{ left: toPercent(getTimeShare(event.at, at)) }}
          />
        ))}
        {index < 0 ? null : (
          <Selection
            at={at}
            lines={lines}
            format={format}
            index={index}
            max={max}
            events={findNearbyEvents(events, at, index)}
          />
        )}
      </div>
      <div class="time-axis" aria-hidden="true">
        {listTimeTicks(at[0] ?? 0, at.at(-1) ?? 0).map((tick) => (
          <span key={tick.at} style={{ left: toPercent(getTimeShare(tick.at, at)) }}>
            {tick.label}
          </span>
        ))}
      </div>
    </div>
  );
}

function Lines({
  at,
  lines,
  ticks,
  max,
}: Pick<ChartProps, "at" | "lines"> & { readonly ticks: readonly number[]; readonly max: number }) {
  return (
    <svg viewBox={`0 0 ${PLOT_SIZE} ${PLOT_SIZE}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="grid" d={ticks.map((value) => `M0,${(1 - value / max) * PLOT_SIZE}H${PLOT_SIZE}`).join("")} />
      {lines.map(({ label, values, color }, position) => {
        const { line, area } = buildPath(at, values, max);
        return (
          <g key={label} class={color}>
            {position === 0 ? <path class="area" d={area} /> : null}
            <path class="line" d={line} />
          </g>
        );
      })}
    </svg>
  );
}

interface SelectionProps extends Pick<ChartProps, "at" | "lines" | "format"> {
  readonly index: number;
  readonly max: number;
  readonly events: readonly RunMarker[];
}

/** A cursor at the selected step, a dot on each line, and the values in a box. */
function Selection({ at, lines, format, index, max, events }: SelectionProps) {
  const time = at[index] ?? 0;
  const share = getTimeShare(time, at);
  const left = toPercent(share);
  return (
    <>
      <i class="plot-cursor" style={{ left }} />
      {lines.map(({ label, values, color }) => {
        const value = values[index] ?? null;
        return value === null ? null : (
          <i key={label} class={`plot-dot ${color}`} style={{ left, bottom: toPercent(value / max) }} />
        );
      })}
      <div class={share < 0.5 ? "plot-tooltip" : "plot-tooltip before"} style={{ "--position": left }}>
        <strong>{formatters.value.timestamp(time, at.at(-1) ?? time)}</strong>
        {lines.map(({ label, values, color }) => (
          <span key={label} class="plot-value">
            <i class={`swatch ${color}`} />
            <UntrustedText value={label} truncate />
            <b>{format(values[index])}</b>
          </span>
        ))}
        {events.map((event) => (
          <span key={`${event.kind} ${event.run}`}>
            <i class={`run-symbol ${event.kind}`} /> <UntrustedText value={describeEvent(event)} />
          </span>
        ))}
      </div>
    </>
  );
}

function describeEvent({ kind, name, at }: RunMarker): string {
  return translations.value.charts.runEvents[kind](name, formatters.value.timestamp(at, at));
}

/** All values of a step and the runs that started or ended there; the latest values if no step is selected. */
function describeStep(
  { at, lines, format }: Pick<ChartProps, "at" | "lines" | "format">,
  index: number,
  events: readonly RunMarker[],
): string {
  const t = translations.value.charts;
  const time = at[index];
  const values = lines.map(
    ({ label, values }) => `${label} ${format(time === undefined ? getLatestValue(values) : values[index])}`,
  );
  const when = time === undefined ? t.latest : formatters.value.timestamp(time, at.at(-1) ?? time);
  return [when, ...values, ...events.map(describeEvent)].join(", ");
}
