import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { ApiMetrics } from "#src/api/operations/api-metrics.ts";
import { SILENT_RUN_REPORTED_MS } from "#src/dashboard/metrics/collect-metrics.ts";
import { renderMetrics } from "#src/dashboard/metrics/render-metrics.ts";
import { LEASE_MS } from "#src/producer/runs/lease.ts";
import { parseMetrics, sampleMetrics } from "./sample-metrics.ts";

const root = join(import.meta.dirname, "../../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string }[];
}
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly description: string };
}

const dashboard = JSON.parse(read("deploy/grafana/sluice-dashboard.json")) as {
  readonly panels: readonly Panel[];
};
const { groups } = parse(read("deploy/grafana/sluice-alerts.yaml")) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const charts = dashboard.panels.filter(({ type }) => type !== "row");

async function rendered() {
  const text = await renderMetrics(sampleMetrics());
  const { values, types } = parseMetrics(text);
  const names = new Set([...Object.keys(types), ...Object.keys(values).map((name) => name.replace(/\{.*/s, ""))]);
  const labels = new Map<string, Set<string>>();
  for (const key of Object.keys(values)) {
    const name = key.replace(/\{.*/s, "");
    const known = labels.get(name) ?? new Set();
    for (const [, label = ""] of key.matchAll(/[{,](\w+)="/g)) known.add(label);
    labels.set(name, known);
  }
  return { names, labels, types };
}

const expressions = [
  ...charts.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
];

test.each(expressions)("%s uses existing metrics and labels: %s", async (_, expr) => {
  const { names, labels } = await rendered();
  const asked = [...expr.matchAll(/\b(sluice_\w+)(?:\{([^}]*)\})?/g)];
  expect(asked.length).toBeGreaterThan(0);
  for (const [, name = "", selector = ""] of asked) {
    expect(names, name).toContain(name);
    for (const [, label = ""] of selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
      expect([...(labels.get(name) ?? [])], `${name}{${label}}`).toContain(label);
    }
  }
});

test("a dead coordinator is reported for longer than its alert waits", () => {
  const lag = rules.find(({ alert }) => alert === "SluiceCoordinatorLag");
  const seconds = Number(/> (\d+)$/.exec(lag?.expr ?? "")?.[1]);
  // Its lease expires before that.
  expect(seconds * 1_000).toBeGreaterThan(LEASE_MS);
  expect(seconds * 1_000).toBeLessThan(SILENT_RUN_REPORTED_MS);
});

test("every panel has its own place, a title and a description", () => {
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  for (const { title, description } of charts) {
    expect(title).not.toBe("");
    expect(description).toMatch(/\.$/);
  }
});

test("every alert says what is wrong and what to do", () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { annotations } of rules) {
    expect(annotations.summary).not.toBe("");
    expect(annotations.description).toMatch(/\.$/);
  }
});

test("docs/metrics.md lists exactly the existing metrics", async () => {
  const { types } = await rendered();
  const ofServers = [...(await new ApiMetrics(() => 0).render()).matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
  const documented = [...read("docs/metrics.md").matchAll(/^\| `(sluice_\w+)`/gm)].map(([, name]) => name);
  expect(documented.sort()).toEqual([...Object.keys(types), ...ofServers].sort());
});
