import { InvalidArgumentError } from "commander";
import { maxWorkers } from "#src/config/max-workers.ts";
import { parseBytes, parseDuration } from "#src/config/value-schemas.ts";
import { InputError } from "#src/core/failures/errors.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { CsvOptions } from "#src/producer/input/source.ts";
import { findNameProblem, findNoteProblem } from "#src/producer/runs/run-label.ts";

/** A whole number of 1 or more. All parsers throw InvalidArgumentError, which Commander shows with the option. */
export function parsePositiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("expected a whole number of 1 or more.");
  return value;
}

/** A whole number of 0 or more. */
export function parseNonNegativeInteger(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError("expected a whole number of 0 or more.");
  }
  return value;
}

/** A number of worker processes. */
export function parseWorkerCount(text: string): number {
  const value = parseNonNegativeInteger(text);
  const maximum = maxWorkers();
  if (value <= maximum) return value;
  throw new InvalidArgumentError(
    `expected 0 to ${maximum}. One per core is usual; to use more machines, run "${SUGGESTED_COMMANDS.worker()}" on each.`,
  );
}

/** A number of 0 or more. */
export function parseNonNegativeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError("expected a number of 0 or more.");
  }
  return value;
}

/** A number between 0 and 1, such as 0.03. */
export function parseShare(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("expected a number between 0 and 1, such as 0.03.");
  return value;
}

/** Milliseconds, from a duration such as "30s", "10m" or "2h". */
export function parseWait(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('expected a duration such as "30s", "10m" or "2h".');
  return ms;
}

/** The name of a run. */
export function parseRunName(text: string): string {
  return requireValid(text, findNameProblem(text));
}

/** The note of a run. */
export function parseRunNote(text: string): string {
  return requireValid(text, findNoteProblem(text));
}

function requireValid(text: string, problem: string | undefined): string {
  if (problem === undefined) return text;
  throw new InvalidArgumentError(`${problem}.`);
}

/** A port to listen on; 0 selects a free port. */
export function parsePort(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0 || value > 65_535) {
    throw new InvalidArgumentError("expected a port from 0 to 65535.");
  }
  return value;
}

/** Names of fields, separated by commas; "none" is an empty list. */
export function parseFieldNames(text: string): string[] {
  if (text === "none") return [];
  const names = [...new Set(text.split(",").map((name) => name.trim()))];
  if (!names.includes("")) return names;
  throw new InvalidArgumentError("expected names separated by commas, such as title,year, or none.");
}

/** The delimiter of a CSV file: one ASCII character; "tab" and "\\t" select a tab. */
export function parseDelimiter(text: string): string {
  if (text === "tab" || text === "\\t") return "\t";
  if (isCsvCharacter(text) && text !== '"') return text;
  throw new InvalidArgumentError("expected one ASCII character, such as ;, or tab.");
}

/** The quote of a CSV file: one ASCII character, or "none". */
export function parseQuote(text: string): string {
  if (text === "none" || isCsvCharacter(text)) return text;
  throw new InvalidArgumentError('expected one ASCII character, such as ", or none.');
}

/** The delimiter and the quote of CSV files; rejects two equal characters. */
export function readCsvOptions({ delimiter, quote }: CsvOptions): CsvOptions {
  if (delimiter === undefined || delimiter !== quote) return { delimiter, quote };
  throw new InputError("the delimiter and the quote are the same character", "--quote");
}

function isCsvCharacter(text: string): boolean {
  return text.length === 1 && text < "\u0080" && text !== "\n" && text !== "\r" && text !== "\0";
}

/** Bytes, from a size such as "500MB". */
export function parseByteSize(text: string): number {
  const bytes = parseBytes(text);
  if (bytes !== undefined) return bytes;
  throw new InvalidArgumentError("expected a size of 1MB or more, such as 500MB or 2GB.");
}
