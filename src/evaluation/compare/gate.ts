import { InputError } from "#src/core/failures/errors.ts";
import type { EvaluationComparison } from "./compare-evaluations.ts";

const OPERATORS = {
  ">=": (difference: number) => difference >= 0,
  ">": (difference: number) => difference > 0,
  "<=": (difference: number) => difference <= 0,
  "<": (difference: number) => difference < 0,
} as const;

/** A condition on the mean of a scorer. */
export interface Gate {
  readonly text: string;
  readonly scorer: string;
  readonly operator: keyof typeof OPERATORS;
  /** Whether `offset` is added to the mean of the baseline, or is the threshold itself. */
  readonly isRelative: boolean;
  readonly offset: number;
}

/** A gate applied to one comparison. */
export interface GateResult {
  readonly gate: string;
  readonly passed: boolean;
  readonly comparison: EvaluationComparison;
  /** Null without common rows that have scores; the gate fails then. */
  readonly threshold: number | null;
}

/**
 * Parses `SCORER OPERATOR baseline [+|- NUMBER]` or `SCORER OPERATOR NUMBER`; names with other characters than letters, digits,
 * `_`, `.`, and `-` are quoted. Throws an InputError that names the position.
 */
export function parseGate(text: string): Gate {
  let position = 0;
  const take = (pattern: RegExp): string | undefined => {
    position += /^\s*/.exec(text.slice(position))?.[0].length ?? 0;
    const [token] = pattern.exec(text.slice(position)) ?? [];
    position += token?.length ?? 0;
    return token;
  };
  const fail = (expected: string): never => {
    throw new InputError(`expected ${expected} at position ${position + 1} of the gate '${text}'`);
  };
  const name = take(/^(?:"[^"]+"|[\p{L}_][\p{L}\p{N}_.-]*)/u) ?? fail("the name of a scorer");
  const symbol = take(/^[<>]=?/) ?? fail(">=, >, <=, or <");
  const operator = isOperator(symbol) ? symbol : fail(">=, >, <=, or <");
  const number = () => Number(take(/^\d+(?:\.\d+)?(?![\w.])/) ?? fail("a number such as 0.01"));
  const isRelative = take(/^baseline(?![\w.])/) !== undefined;
  const sign = take(isRelative ? /^[+-]/ : /^-/);
  if (!isRelative && !/^\s*\d/.test(text.slice(position))) fail('"baseline" or a number');
  const size = isRelative && sign === undefined ? 0 : number();
  take(/^/);
  if (position < text.length) fail(isRelative && sign === undefined ? "+, -, or the end" : "the end");
  const scorer = name.startsWith('"') ? name.slice(1, -1) : name;
  return { text, scorer, operator, isRelative, offset: sign === "-" ? -size : size };
}

function isOperator(symbol: string): symbol is keyof typeof OPERATORS {
  return Object.hasOwn(OPERATORS, symbol);
}

/** Applies a gate to every comparison of its scorer. Throws an InputError if there is none. */
export function checkGate(gate: Gate, comparisons: readonly EvaluationComparison[]): GateResult[] {
  const own = comparisons.filter(({ scorer }) => scorer === gate.scorer);
  if (own.length === 0) {
    const known = [...new Set(comparisons.map(({ scorer }) => scorer))].join(", ");
    throw new InputError(`the gate '${gate.text}' is about the scorer "${gate.scorer}", but compared are: ${known}`);
  }
  return own.map((comparison) => {
    const { mean, baselineMean } = comparison;
    if (mean === null || baselineMean === null) return { gate: gate.text, passed: false, comparison, threshold: null };
    const threshold = gate.isRelative ? baselineMean + gate.offset : gate.offset;
    // 0.8 - 0.01 is not exactly 0.79.
    const difference = Math.abs(mean - threshold) < 1e-12 ? 0 : mean - threshold;
    return { gate: gate.text, passed: OPERATORS[gate.operator](difference), comparison, threshold };
  });
}
