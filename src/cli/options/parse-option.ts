import { InvalidArgumentError } from "commander";
import { maxWorkers } from "#src/config/max-workers.ts";

/** A whole number from 1 on. All of these throw what the command line shows beside the option. */
export function parsePositiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("expected a whole number from 1 on.");
  return value;
}

/** A whole number from 0 on. */
export function parseNonNegativeInteger(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError("expected a whole number from 0 on.");
  }
  return value;
}

/** Worker processes of one command. */
export function parseWorkerCount(text: string): number {
  const value = parseNonNegativeInteger(text);
  const maximum = maxWorkers();
  if (value <= maximum) return value;
  throw new InvalidArgumentError(
    `expected 0 to ${maximum}; one per core is usual, and more machines take "sluice worker" on each.`,
  );
}

/** Any number from 0 on. */
export function parseNonNegativeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError("expected a number from 0 on.");
  }
  return value;
}

/** A port to listen on; 0 is any free one. */
export function parsePort(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0 || value > 65_535) {
    throw new InvalidArgumentError("expected a port from 0 to 65535.");
  }
  return value;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** Bytes, from "500MB" and the like. */
export function parseByteSize(text: string): number {
  const [, digits = "", unit = ""] = /^([\d.]+)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const value = Math.round(Number(digits) * (UNITS[unit.toUpperCase()] ?? Number.NaN));
  if (digits === "" || !Number.isSafeInteger(value) || value < 1e6) {
    throw new InvalidArgumentError("expected a size from 1MB on, such as 500MB or 2GB.");
  }
  return value;
}
