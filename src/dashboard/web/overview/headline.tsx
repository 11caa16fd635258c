import type { ComponentChildren } from "preact";
import type { Overview } from "#src/dashboard/overview/overview-api.ts";
import type { MoneyView } from "#src/dashboard/runs/run-api.ts";
import { completedShare } from "#src/dashboard/web/components/progress-bar.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { runLink } from "#src/dashboard/web/parse-route.ts";
import { findProblems, isCritical, type OverviewProblem } from "./find-problems.ts";
import { LaneReason } from "./lane-reason.tsx";
import { findTightestLimit, sumRunCosts } from "./summary-stats.ts";

/** Four summary stats: what runs, what needs attention, what it costs, and how full the limits are. */
export function Headline({ overview }: { overview: Overview | undefined }) {
  return (
    <div class="headline">
      <Running overview={overview} />
      <NeedsAttention overview={overview} />
      <Spend overview={overview} />
      <TightestLimit overview={overview} />
    </div>
  );
}

function Stat({
  title,
  value,
  tone,
  children,
}: {
  title: string;
  value: ComponentChildren;
  tone?: "error" | "warning" | undefined;
  children?: ComponentChildren;
}) {
  return (
    <section class="stat">
      <h2>{title}</h2>
      <p class={`stat-value ${tone ?? ""}`}>{value}</p>
      <div class="stat-details">{children}</div>
    </section>
  );
}

const ACTIVE_PHASES = new Set(["planning", "running", "snoozing", "finishing"]);

function Running({ overview }: { overview: Overview | undefined }) {
  const t = translations.value.headline;
  const { count, compact, share, duration } = formatters.value;
  if (!overview) return <Stat title={t.running} value={count(undefined)} />;
  const busy = overview.runs.active.filter(({ phase }) => ACTIVE_PHASES.has(phase));
  const total = [...ACTIVE_PHASES].reduce(
    (sum, phase) => sum + (overview.runs.byPhase[phase as keyof typeof overview.runs.byPhase] ?? 0),
    0,
  );
  const paused = overview.runs.byPhase.paused ?? 0;
  const longest = busy.reduce<number | undefined>(
    (most, { etaMs }) => (etaMs === undefined ? most : Math.max(most ?? 0, etaMs)),
    undefined,
  );
  const done = busy.length === 1 ? completedShare(busy[0]?.items) : undefined;
  const rate = overview.totals.itemsPerMinute;
  const { active = 0, waiting = 0 } = overview.standalone ?? {};
  const hasStandaloneJobs = active + waiting > 0;
  return (
    <Stat title={t.running} value={t.runs(Math.max(total, busy.length))}>
      {busy.length === 0 && paused === 0 && !hasStandaloneJobs ? t.noActiveRuns : null}
      <ul>
        {rate === undefined ? null : <li>{t.itemsPerMinute(compact(rate))}</li>}
        {done === undefined && longest === undefined ? null : (
          <li>
            {[done === undefined ? "" : t.done(share(done)), longest === undefined ? "" : t.timeLeft(duration(longest))]
              .filter(Boolean)
              .join(" · ")}
          </li>
        )}
        {paused > 0 ? <li>{t.paused(paused)}</li> : null}
        {hasStandaloneJobs ? <li>{t.standaloneJobs(count(active), count(waiting))}</li> : null}
      </ul>
    </Stat>
  );
}

/** The first problems are listed by name; the others are only counted. */
const MAX_LISTED_PROBLEMS = 3;

function NeedsAttention({ overview }: { overview: Overview | undefined }) {
  const t = translations.value.headline;
  if (!overview) return <Stat title={t.needsAttention} value={formatters.value.count(undefined)} />;
  const problems = findProblems(overview);
  if (problems.length === 0) return <Stat title={t.needsAttention} value={t.allClear} />;
  return (
    <Stat
      title={t.needsAttention}
      value={t.problems(problems.length)}
      tone={problems.some(isCritical) ? "error" : "warning"}
    >
      <ul>
        {problems.slice(0, MAX_LISTED_PROBLEMS).map((problem, index) => (
          <li key={index}>
            <ProblemLine problem={problem} />
          </li>
        ))}
        {problems.length > MAX_LISTED_PROBLEMS ? (
          <li>{t.moreProblems(problems.length - MAX_LISTED_PROBLEMS)}</li>
        ) : null}
      </ul>
    </Stat>
  );
}

function ProblemLine({ problem }: { problem: OverviewProblem }) {
  const t = translations.value.problem;
  const { count, bytes } = formatters.value;
  switch (problem.kind) {
    case "run-parked":
    case "run-stopped":
      return (
        <>
          {t[problem.kind]}{" "}
          <a href={runLink(problem.run)}>
            <UntrustedText value={problem.name} />
          </a>
        </>
      );
    case "no-worker":
      return (
        <>
          {t["no-worker"](count(problem.waiting))} <UntrustedText value={problem.queue} />
        </>
      );
    case "redis-memory":
      return <>{t["redis-memory"](bytes(problem.usedBytes), bytes(problem.warningBytes))}</>;
    case "worker-dead":
    case "limits-differ":
    case "queue-paused":
      return (
        <>
          {t[problem.kind]} <UntrustedText value={problem.name} />
        </>
      );
    default:
      return (
        <>
          {t[problem.kind]} <UntrustedText value={problem.name} />
          {problem.reason === undefined ? null : (
            <>
              {": "}
              <LaneReason {...problem} />
            </>
          )}
        </>
      );
  }
}

function Spend({ overview }: { overview: Overview | undefined }) {
  const t = translations.value.headline;
  const { money } = formatters.value;
  const active = overview?.runs.money ?? sumRunCosts(overview?.runs.active ?? []);
  const day = overview?.spentLastDay ?? [];
  const expected = active.filter((sum) => sum.expected !== undefined);
  const unpriced = overview?.runs.unpriced ?? 0;
  const shown = active.length > 0 ? active : day;
  const formatSpent = (sums: readonly MoneyView[]) =>
    sums.map(({ spent, currency }) => money(spent, currency)).join(" + ");
  return (
    <Stat title={t.spend} value={shown.length === 0 ? formatters.value.count(undefined) : formatSpent(shown)}>
      <ul>
        {active.length > 0 ? (
          <li>
            {t.spentByActiveRuns}
            {expected.length > 0
              ? `, ${t.expected(expected.map((sum) => money(sum.expected, sum.currency)).join(" + "))}`
              : ""}
          </li>
        ) : null}
        {unpriced > 0 && active.length > 0 ? <li>{t.unpricedRuns(unpriced)}</li> : null}
        <li>{day.length > 0 ? t.lastDay(formatSpent(day)) : active.length > 0 ? null : t.noPrice}</li>
      </ul>
    </Stat>
  );
}

function TightestLimit({ overview }: { overview: Overview | undefined }) {
  const t = translations.value.headline;
  const { share, count } = formatters.value;
  const tightest = overview ? findTightestLimit(overview.lanes) : undefined;
  const perMinute = overview?.totals.throttlesPerMinute;
  return (
    <Stat title={t.tightestLimit} value={share(tightest?.share)}>
      <ul>
        {tightest === undefined ? (
          <li>{t.noLimit}</li>
        ) : (
          <li>
            {tightest.dimension === "concurrency"
              ? translations.value.lanes.concurrency
              : translations.value.lanes.windows[tightest.dimension][tightest.window]}
            , <UntrustedText value={tightest.lane} />
          </li>
        )}
        {perMinute === undefined ? null : <li>{t.throttledCalls(count(Math.round(perMinute)))}</li>}
      </ul>
    </Stat>
  );
}
