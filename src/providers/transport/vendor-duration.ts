const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration such as "12.5s", "6m0s" or "88ms" in whole ms; undefined for any other text. */
export function parseVendorDuration(text: string | undefined): number | undefined {
  if (text === undefined || !/^(\d{1,9}(\.\d{1,9})?(ms|[smhd])){1,5}$/.test(text)) return undefined;
  let ms = 0;
  for (const [, value, unit = ""] of text.matchAll(/([\d.]+)(ms|[smhd])/g)) ms += Number(value) * (UNITS_MS[unit] ?? 0);
  return Math.ceil(ms);
}
