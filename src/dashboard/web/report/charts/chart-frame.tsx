import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { texts } from "#src/dashboard/web/report/texts/texts.ts";
import { saveChart } from "./save-chart.ts";

/** A chart of this size with its title, and buttons that save it. */
export function ChartFrame({
  title,
  width,
  height,
  children,
}: {
  title: string;
  width: number;
  height: number;
  children: ComponentChildren;
}) {
  const chart = useRef<SVGSVGElement>(null);
  const save = (format: "svg" | "png") => {
    if (chart.current) void saveChart(chart.current, title, format);
  };
  return (
    <figure class="report-chart">
      <figcaption>
        <h3>
          <UntrustedText value={title} />
        </h3>
        <span class="actions">
          {(["svg", "png"] as const).map((format) => (
            <button
              key={format}
              type="button"
              class="button ghost compact"
              aria-label={texts.value.saveAs(format.toUpperCase())}
              title={texts.value.saveAs(format.toUpperCase())}
              onClick={() => save(format)}
            >
              {format.toUpperCase()}
            </button>
          ))}
        </span>
      </figcaption>
      <svg
        ref={chart}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={title}
        font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
        font-size="12"
      >
        <rect width={width} height={height} fill="var(--surface)" />
        {children}
      </svg>
    </figure>
  );
}
