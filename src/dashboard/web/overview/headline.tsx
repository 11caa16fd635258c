import type { ComponentChildren } from "preact";
import type { MoneyView, Overview } from "../../contract.ts";
import { show } from "../format/show.ts";
import { runLink } from "../parse-route.ts";
import { shareDone } from "../parts/progress.tsx";
import { Text } from "../parts/text.tsx";
import { words } from "../words/words.ts";
import { findTrouble, isSerious, type Trouble } from "./find-trouble.ts";
import { LaneReason } from "./lane-reason.tsx";
import { addMoney, findFullestLimit } from "./sum-up.ts";

/** What a glance must give: what runs, what is stuck, what it costs, how full the limits are. */
export function Headline({ overview }: { overview: Overview | undefined }) {
  return (
    <div class="headline">
      <Running overview={overview} />
      <Stuck overview={overview} />
      <Cost overview={overview} />
      <Limits overview={overview} />
    </div>
  );
}

function Figure({
  title,
  large,
  tone,
  children,
}: {
  title: string;
  large: ComponentChildren;
  tone?: "bad" | "warn" | undefined;
  children?: ComponentChildren;
}) {
  return (
    <section class="figure">
      <h2>{title}</h2>
      <p class={`large ${tone ?? ""}`}>{large}</p>
      <div class="sub">{children}</div>
    </section>
  );
}

const BUSY = new Set(["planning", "running", "snoozing", "finishing"]);

function Running({ overview }: { overview: Overview | undefined }) {
  const w = words.value.headline;
  const { count, short, share, duration } = show.value;
  if (!overview) return <Figure title={w.running} large={count(undefined)} />;
  const busy = overview.runs.active.filter(({ phase }) => BUSY.has(phase));
  const total = [...BUSY].reduce(
    (sum, phase) => sum + (overview.runs.byPhase[phase as keyof typeof overview.runs.byPhase] ?? 0),
    0,
  );
  const paused = overview.runs.byPhase.paused ?? 0;
  const longest = busy.reduce<number | undefined>(
    (most, { etaMs }) => (etaMs === undefined ? most : Math.max(most ?? 0, etaMs)),
    undefined,
  );
  const done = busy.length === 1 ? shareDone(busy[0]?.items) : undefined;
  const rate = overview.totals.itemsPerMinute;
  const { active = 0, waiting = 0 } = overview.alone ?? {};
  const isAlone = active + waiting > 0;
  return (
    <Figure title={w.running} large={w.runs(Math.max(total, busy.length))}>
      {busy.length === 0 && paused === 0 && !isAlone ? w.idle : null}
      <ul>
        {rate === undefined ? null : <li>{w.itemsPerMinute(short(rate))}</li>}
        {done === undefined && longest === undefined ? null : (
          <li>
            {[
              done === undefined ? "" : w.done(share(done)),
              longest === undefined ? "" : w.left(duration(longest)),
            ]
              .filter(Boolean)
              .join(" · ")}
          </li>
        )}
        {paused > 0 ? <li>{w.paused(paused)}</li> : null}
        {isAlone ? <li>{w.alone(count(active), count(waiting))}</li> : null}
      </ul>
    </Figure>
  );
}

/** Troubles named in the headline; the rest are counted. */
const NAMED = 3;

function Stuck({ overview }: { overview: Overview | undefined }) {
  const w = words.value.headline;
  if (!overview) return <Figure title={w.stuck} large={show.value.count(undefined)} />;
  const trouble = findTrouble(overview);
  const tone = trouble.some(isSerious) ? "bad" : trouble.length > 0 ? "warn" : undefined;
  return (
    <Figure title={w.stuck} large={trouble.length === 0 ? w.nothing : w.things(trouble.length)} tone={tone}>
      {trouble.length === 0 ? (
        isFlowing(overview) ? (
          w.allFlows
        ) : null
      ) : (
        <ul>
          {trouble.slice(0, NAMED).map((one, index) => (
            <li key={index}>
              <TroubleLine trouble={one} />
            </li>
          ))}
          {trouble.length > NAMED ? <li>{w.more(trouble.length - NAMED)}</li> : null}
        </ul>
      )}
    </Figure>
  );
}

/** Where nothing is under way, nothing flows either. */
function isFlowing({ runs, alone }: Overview): boolean {
  return runs.active.length > 0 || (alone?.active ?? 0) > 0;
}

function TroubleLine({ trouble }: { trouble: Trouble }) {
  const w = words.value.trouble;
  const { count, bytes } = show.value;
  switch (trouble.kind) {
    case "run-parked":
    case "run-stopped":
      return (
        <>
          {w[trouble.kind]}{" "}
          <a href={runLink(trouble.run)}>
            <Text value={trouble.name} />
          </a>
        </>
      );
    case "no-worker":
      return (
        <>
          {w["no-worker"](count(trouble.waiting))} <Text value={trouble.queue} />
        </>
      );
    case "redis-memory":
      return <>{w["redis-memory"](bytes(trouble.usedBytes), bytes(trouble.markBytes))}</>;
    case "worker-dead":
    case "queue-paused":
      return (
        <>
          {w[trouble.kind]} <Text value={trouble.name} />
        </>
      );
    default:
      return (
        <>
          {w[trouble.kind]} <Text value={trouble.name} />
          {trouble.reason === undefined ? null : (
            <>
              {": "}
              <LaneReason {...trouble} />
            </>
          )}
        </>
      );
  }
}

function Cost({ overview }: { overview: Overview | undefined }) {
  const w = words.value.headline;
  const { money } = show.value;
  const active = overview?.runs.money ?? addMoney(overview?.runs.active ?? []);
  const day = overview?.spentToday ?? [];
  const unpriced = overview?.runs.unpriced ?? 0;
  const large = active.length > 0 ? active : day;
  const spent = (sums: readonly MoneyView[]) =>
    sums.map(({ spent, currency }) => money(spent, currency)).join(" + ");
  return (
    <Figure title={w.cost} large={large.length === 0 ? show.value.count(undefined) : spent(large)}>
      <ul>
        {active.length > 0 ? (
          <li>
            {w.activeRuns}
            {active.some(({ expected }) => expected !== undefined)
              ? `, ${w.expected(active.map(({ expected, currency }) => money(expected, currency)).join(" + "))}`
              : ""}
          </li>
        ) : null}
        {unpriced > 0 && active.length > 0 ? <li>{w.unpriced(unpriced)}</li> : null}
        <li>{day.length > 0 ? w.lastDay(spent(day)) : active.length > 0 ? null : w.noPrice}</li>
      </ul>
    </Figure>
  );
}

function Limits({ overview }: { overview: Overview | undefined }) {
  const w = words.value.headline;
  const { share, count } = show.value;
  const fullest = overview ? findFullestLimit(overview.lanes) : undefined;
  const perMinute = overview?.totals.throttlesPerMinute;
  return (
    <Figure title={w.limits} large={share(fullest?.share)}>
      <ul>
        {fullest === undefined ? (
          <li>{w.noLimit}</li>
        ) : (
          <li>
            {words.value.lanes[fullest.dimension]}, <Text value={fullest.lane} />
          </li>
        )}
        {perMinute === undefined ? null : <li>{w.throttles(count(Math.round(perMinute)))}</li>}
      </ul>
    </Figure>
  );
}
