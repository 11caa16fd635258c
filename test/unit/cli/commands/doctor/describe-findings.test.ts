import { expect, it } from "vitest";
import { type DoctorFinding, describeFindings } from "#src/cli/commands/doctor/describe-findings.ts";
import { chooseTestModel } from "#src/cli/commands/doctor/test-keys.ts";

const ok: DoctorFinding = { area: "redis", level: "ok", message: "redis 7.4" };
const problem: DoctorFinding = { area: "zhipu", level: "problem", message: "the key is wrong", hint: "Set another." };
const note = (n: number): DoctorFinding => ({ area: "openai", level: "note", message: `note ${n}` });

it("lists problems first, below a summary, with their hints", () => {
  const text = describeFindings([ok, note(1), { ...ok, level: "warning" }, problem], false);
  expect(text.split("\n")).toEqual([
    "1 problem and 1 warning:",
    "",
    "PROBLEM  zhipu   the key is wrong",
    "                 Set another.",
    "WARNING  redis   redis 7.4",
    "note     openai  note 1",
    "ok       redis   redis 7.4",
    "",
  ]);
});

it("leaves out details and further notes, unless all are wanted", () => {
  const findings = [{ ...ok, isDetail: true }, ok, ...Array.from({ length: 20 }, (_, n) => note(n))];
  const text = describeFindings(findings, false);
  expect(text.split("\n").length).toBeLessThan(24);
  expect(text).toMatch(/^No problems found\./);
  expect(text).toContain("15 more checks without problems: sluice doctor --all");
  expect(describeFindings(findings, true).match(/^(?:ok|note) /gm)).toHaveLength(22);
});

it("combines equal findings, and fits on a screen however many problems there are", () => {
  const wrong = (area: string): DoctorFinding => ({ ...problem, area });
  const text = describeFindings([wrong("zhipu"), wrong("minimax"), wrong("openai"), wrong("jina"), ok], false);
  expect(text.split("\n")).toEqual([
    "4 problems:",
    "",
    "PROBLEM  zhipu, minimax, +2  the key is wrong",
    "                             Set another.",
    "ok       redis               redis 7.4",
    "",
  ]);
  const many = Array.from({ length: 40 }, (_, n) => ({ ...problem, message: `problem ${n}` }));
  const screen = describeFindings([...many, ok], false);
  expect(screen.split("\n").length).toBeLessThanOrEqual(24);
  expect(screen).toContain("31 more problems and warnings, 1 more check without problems: sluice doctor --all");
  expect(describeFindings([...many, ok], true).match(/^PROBLEM/gm)).toHaveLength(40);
});

it("tests a key with the cheapest model that is not retired, embeddings first", () => {
  const chat = { name: "chat", kind: "chat" as const };
  const cheap = { ...chat, name: "cheap", price: { inputPerMillionTokens: 1, currency: "USD" } };
  const embedding = { name: "embedding", kind: "embedding" as const };
  const retired = { ...embedding, name: "old", retired: { since: "2026-01-01" } };
  const now = Date.parse("2026-06-01");
  expect(chooseTestModel([chat, cheap, retired, embedding], now)?.name).toBe("embedding");
  expect(chooseTestModel([chat, cheap, retired], now)?.name).toBe("cheap");
  expect(chooseTestModel([], now)).toBeUndefined();
});
