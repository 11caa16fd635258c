import { findField, readRowField, referTo, type StarterRow } from "./dataset-fields.ts";

export interface ChoiceGuess {
  /** Template that lists the choices, each with its letter. */
  readonly list: string;
  readonly target: string;
  readonly scorer: { readonly type: "choice"; readonly count?: number; readonly field?: string };
  readonly reason: string;
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const CHOICES = ["choices", "options", "endings", "选项"];

/** Choices in a list (or one inside `text`, as in ARC), a mapping by letter, or fields of their own: A, B, ... or option_a, ... */
export function guessChoices(rows: readonly StarterRow[], target: string): ChoiceGuess | undefined {
  const field = findField(rows, CHOICES);
  const reason = `“${field ?? "A"}” has the choices of each question.`;
  if (field === undefined) {
    const fields = findLetterFields(rows);
    if (fields === undefined) return undefined;
    const list = fields.map((name, i) => `${LETTERS[i]}. ${referTo(name)}`).join("\n");
    return { list, scorer: { type: "choice", count: fields.length }, target: toLetter(rows, target, 0), reason };
  }
  const path = [field, `${field}.text`].find((each) => rows.every((row) => Array.isArray(readRowField(row, each))));
  if (path !== undefined) {
    const reference = path === field ? referTo(field).slice(3, -3) : `${referTo(field).slice(3, -3)}.text`;
    return {
      list: `{% for choice in ${reference} -%}\n{{ "${LETTERS}" | slice: forloop.index0 }}. {{ choice }}\n{% endfor %}`,
      scorer: path === field ? { type: "choice", field } : { type: "choice", count: countMost(rows, path) },
      target: toLetter(rows, target, countMost(rows, path)),
      reason,
    };
  }
  if (!rows.every((row) => Object.keys(row[field] ?? {}).every((key) => /^[A-Za-z]$/.test(key)))) return undefined;
  return {
    list: `{% for choice in ${referTo(field).slice(3, -3)} -%}\n{{ choice[0] }}. {{ choice[1] }}\n{% endfor %}`,
    scorer: { type: "choice", count: Math.max(2, ...rows.map((row) => Object.keys(row[field] ?? {}).length)) },
    ...{ target, reason },
  };
}

function findLetterFields(rows: readonly StarterRow[]): string[] | undefined {
  const names = Object.keys(rows[0] ?? {});
  for (const prefix of ["", "option_", "choice_", "option", "choice"]) {
    const found = [...LETTERS].map((letter) =>
      names.find((name) => name.toLowerCase() === `${prefix}${letter}`.toLowerCase()),
    );
    const end = found.indexOf(undefined);
    const fields = found.slice(0, end < 0 ? undefined : end).filter((name) => name !== undefined);
    if (fields.length >= 2) return fields;
  }
  return undefined;
}

function countMost(rows: readonly StarterRow[], path: string): number {
  return Math.max(2, ...rows.map((row) => [readRowField(row, path)].flat().length));
}

/** The target as it is, or a template that turns positions (counted from 0, or from 1 if one is `choices`) into letters. */
function toLetter(rows: readonly StarterRow[], target: string, choices: number): string {
  const values = rows
    .map((row) => row[target])
    .map((value) => (/^\d{1,2}$/.test(String(value)) ? Number(value) : Number.NaN));
  if (values.some((value) => Number.isNaN(value))) return target;
  const reference = referTo(target).slice(3, -3);
  const start = !values.includes(0) && values.includes(choices) ? ` | minus: 1` : "";
  return `{% assign at = ${reference} | plus: 0${start} %}{{ "${LETTERS}" | slice: at }}`;
}
