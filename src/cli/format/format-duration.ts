import { UNKNOWN_VALUE } from "./format-number.ts";

/** The two most significant units: "850 ms", "4.2 s", "42 s", "12 min 04 s", "1 h 03 min", "2 d 04 h". */
export function formatDuration(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms) || ms < 0) return UNKNOWN_VALUE;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  // Each unit is rounded before it is compared, so that 59.9 s reads "1 min 00 s" and never "60 s".
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${pad(hours % 24)} h`;
}

/** In whole seconds: a countdown with tenths would only flicker. */
export function formatCountdown(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return UNKNOWN_VALUE;
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1000);
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
