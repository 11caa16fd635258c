// Compares the records of a round with the truth, and the product's report with the simulator's counts.
import type { Fault } from "./faults.ts";
import type { Upstream } from "./upstream.ts";
import { countTrueTokens, type DeliveredRecord, FAILED, findTruth, TEXTS_PER_CALL, type WorkKind } from "./work.ts";
import type { ReportedCounts, Workload } from "./workload.ts";

export interface RoundCounts {
  readonly items: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly wrong: number;
  /** Calls paid in vain: in the report, and at least and at most according to the simulator. */
  readonly paidTwice: { readonly reported: ReportedCounts | undefined; readonly least: number; readonly most: number };
}

export interface Checked {
  readonly counts: RoundCounts;
  readonly violations: readonly string[];
}

/** `kills`: processes that were killed. Each may lose, or count without making, the calls that it has in flight. */
export async function checkRound(
  kind: WorkKind,
  workload: Workload,
  upstream: Upstream,
  { fault, kills, concurrency }: { readonly fault: Fault; readonly kills: number; readonly concurrency: number },
): Promise<Checked> {
  const records = await workload.readRecords();
  const reported = await workload.readReport();
  const violations: string[] = [];
  const expect = (isTrue: boolean, message: string) => {
    if (!isTrue) violations.push(message);
  };
  const compared = compareRecords(kind, workload, records);
  for (const [what, count] of Object.entries(compared)) expect(count === 0, `${count} records are ${what}`);
  const good = workload.items.filter(({ isBad }) => !isBad);
  const needed = Math.ceil(good.length / TEXTS_PER_CALL[kind]);
  const paidTwice = { reported, least: upstream.countLeastPaidTwice(), most: Math.max(0, upstream.answered - needed) };
  const counts = { items: workload.items.length, ...compared, paidTwice };
  if (!reported) return { counts, violations };

  const tokens = countTrueTokens(kind, workload.items, upstream);
  expect(reported.tokens === tokens, `the report has ${reported.tokens} tokens instead of ${tokens}`);
  expect(Math.abs(reported.cost - tokens / 1e6) < 1e-9, `the report has a cost of ${reported.cost}`);
  const failed = workload.items.length - good.length;
  expect(reported.succeeded === good.length, `the report has ${reported.succeeded} succeeded items`);
  expect(reported.failed === failed, `the report has ${reported.failed} failed items`);
  expect(fault.losesData === true || !reported.isLowerBound, "the report says that counts were lost, but none were");
  const slack = kills * concurrency;
  const check = (name: string, value: number, least: number, most: number) => {
    expect(value <= most + slack, `the report has ${value} ${name}, but there were ${most}`);
    // How many counts a Redis without its data takes along depends on the time since the coordinator read them.
    expect(reported.isLowerBound || value >= least - slack, `the report has ${value} ${name}, but there were ${least}`);
  };
  check("calls", reported.made, upstream.calls, upstream.calls);
  check("calls paid twice", reported.paidTwice, paidTwice.least, paidTwice.most);
  return { counts, violations };
}

function compareRecords(kind: WorkKind, { items }: Workload, records: readonly DeliveredRecord[]) {
  const delivered = Map.groupBy(records, ({ id }) => id);
  let [lost, duplicated, wrong] = [0, 0, 0];
  for (const item of items) {
    const found = delivered.get(item.id) ?? [];
    delivered.delete(item.id);
    if (found.length === 0) lost += 1;
    else if (found.length > 1) duplicated += found.length - 1;
    if (found.some(({ answer }) => answer !== findTruth(kind, item))) wrong += 1;
  }
  for (const unknown of delivered.values()) wrong += unknown.length;
  return { lost, duplicated, wrong: wrong + countMisplaced(items, records) };
}

/** Successful records that are not in the order of their items. */
function countMisplaced(items: Workload["items"], records: readonly DeliveredRecord[]): number {
  const positions = new Map(items.map(({ id }, position) => [id, position]));
  const order = records.filter(({ answer }) => answer !== FAILED).map(({ id }) => positions.get(id) ?? -1);
  return order.filter((position, at) => at > 0 && position <= (order[at - 1] ?? -1)).length;
}
