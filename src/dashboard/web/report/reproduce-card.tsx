import { Card } from "#src/dashboard/web/components/card.tsx";
import { DescriptionList } from "#src/dashboard/web/components/description-list.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import type { ReportEvaluation, ReportHead, ReportResults } from "#src/evaluation/report/report-data.ts";
import { texts } from "./texts/texts.ts";

/** Everything that is needed to get the same numbers again. */
export function ReproduceCard({ head }: { head: ReportHead }) {
  return (
    <Card title={texts.value.reproduce} id="reproduce">
      {head.evaluations.map((evaluation) => (
        <div class="card-body" key={evaluation.folder}>
          <Evaluation evaluation={evaluation} />
        </div>
      ))}
    </Card>
  );
}

function Evaluation({ evaluation: { folder, results } }: { evaluation: ReportEvaluation }) {
  const t = texts.value;
  const labels = t.reproduceLabels;
  const { count } = formatters.value;
  const { spec, calls, baseline } = results;
  const time = (value: string | undefined) => value?.replace("T", " ").replace(/\.\d+Z$/, " UTC");
  return (
    <DescriptionList
      items={[
        { label: labels.folder, value: <UntrustedText value={folder} /> },
        { label: labels.run, value: results.run },
        { label: labels.started, value: time(results.startedAt) ?? "–" },
        { label: labels.finished, value: time(results.finishedAt) ?? "–" },
        { label: labels.scored, value: time(results.scoredAt) },
        { label: labels.calls, value: t.calls(count(calls.made), count(calls.failed), count(calls.throttled)) },
        { label: labels.samples, value: count(results.samples) },
        { label: labels.reduce, value: results.reduce },
        baseline === undefined ? undefined : { label: labels.baseline, value: <UntrustedText value={baseline} /> },
        {
          label: labels.versions,
          value: t.versions(results.sluice, results.scoredWith.sluice, results.scoredWith.node),
          width: "wide",
        },
        { label: labels.spec, value: <Hashed name={spec.path} sha256={spec.sha256} />, width: "full-width" },
        {
          label: labels.datasets,
          value: results.datasets.map((dataset) => <Dataset key={dataset.name} dataset={dataset} />),
          width: "full-width",
        },
        {
          label: labels.prompts,
          value: results.prompts.map(({ name, sha256 }) => <Hashed key={name} name={name} sha256={sha256} />),
          width: "full-width",
        },
        {
          label: labels.parameters,
          value: results.parameters.map(({ label, model, parameters }) => (
            <Definition key={label} name={label === model ? label : `${label} (${model})`} value={parameters} />
          )),
          width: "full-width",
        },
        {
          label: labels.scorers,
          value: Object.entries(results.scorers).map(([name, value]) => (
            <Definition key={name} name={name} value={value} />
          )),
          width: "full-width",
        },
      ]}
    />
  );
}

function Dataset({ dataset }: { dataset: ReportResults["datasets"][number] }) {
  const t = texts.value;
  const { count, bytes } = formatters.value;
  const { path, sha256, items, limit, shuffle } = dataset;
  const rows =
    limit === undefined
      ? t.datasetRows(count(items))
      : t.datasetSelection(count(items), count(limit), shuffle === undefined ? undefined : String(shuffle));
  return <Hashed name={path} sha256={sha256} note={`${rows}, ${bytes(dataset.bytes)}`} />;
}

function Hashed({ name, sha256, note }: { name: string; sha256: string; note?: string }) {
  return (
    <p class="definition">
      <UntrustedText value={name} />
      {note === undefined ? null : <span class="muted">{` · ${note}`}</span>}
      <span class="mono muted">{`SHA-256 ${sha256}`}</span>
    </p>
  );
}

function Definition({ name, value }: { name: string; value: unknown }) {
  return (
    <p class="definition">
      <UntrustedText value={name} />{" "}
      <span class="muted">
        <UntrustedText value={JSON.stringify(value)} isMonospace />
      </span>
    </p>
  );
}
