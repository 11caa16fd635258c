/** Shown for unknown values, which must not look like zero. */
export const DASH = "–";

export type MaybeNumber = number | null | undefined;

/** Creating a number format is slow, so each one is created once. */
const formats = new Map<string, Intl.NumberFormat>();

function getNumberFormat(locale: string, digits: number, minimum: number): Intl.NumberFormat {
  const key = `${locale} ${digits} ${minimum}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(locale, { maximumFractionDigits: digits, minimumFractionDigits: minimum });
    formats.set(key, format);
  }
  return format;
}

export function isKnown(value: MaybeNumber): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** "12,345"; a dash if unknown. */
export function localizeCount(value: MaybeNumber, locale = "en"): string {
  return isKnown(value) ? getNumberFormat(locale, 0, 0).format(value) : DASH;
}

/** Three significant digits, with k, M, or G for large values: "0.42", "36.0", "79.6 k", "1.25 M". */
export function localizeCompact(value: MaybeNumber, locale = "en"): string {
  if (!isKnown(value)) return DASH;
  const size = Math.abs(value);
  if (size >= 999_500_000) return `${formatSignificant(value / 1e9, locale)} G`;
  if (size >= 999_500) return `${formatSignificant(value / 1e6, locale)} M`;
  if (size >= 9_999.5) return `${formatSignificant(value / 1e3, locale)} k`;
  if (size >= 999.5 || Number.isInteger(value)) return localizeCount(Math.round(value), locale);
  return formatSignificant(value, locale);
}

/** Three significant digits, or two for small values: 123, 12.3, 1.23, 0.12, 0.0012. At most five decimals. */
function formatSignificant(value: number, locale: string): string {
  const size = Math.abs(value);
  const decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : Math.min(5, countSmallDecimals(size));
  return getNumberFormat(locale, decimals, Math.min(2, decimals)).format(value);
}

/** Formats a share from 0 to 1 as "87 %". Small shares keep a decimal, and an incomplete share is never "100 %". */
export function localizePercent(share: MaybeNumber, locale = "en"): string {
  if (!isKnown(share)) return DASH;
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  if (percent > 99.9 && percent < 100) return `${getNumberFormat(locale, 1, 1).format(99.9)} %`;
  const decimals = percent !== 0 && percent < 10 ? 1 : percent > 99 && percent < 100 ? 1 : 0;
  return `${getNumberFormat(locale, decimals, decimals).format(percent)} %`;
}

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** "1.2 MB", in decimal units. */
export function localizeBytes(value: MaybeNumber, locale = "en"): string {
  if (!isKnown(value)) return DASH;
  let [size, unit] = [value, 0];
  while (Math.abs(size) >= 999.5 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? localizeCount(size, locale) : formatSignificant(size, locale)} ${UNITS[unit]}`;
}

/** "1.23 CNY"; small amounts keep two significant digits: "0.0042 CNY". */
export function localizeMoney(value: MaybeNumber, currency: string | undefined, locale = "en"): string {
  if (!isKnown(value) || currency === undefined) return DASH;
  const size = Math.abs(value);
  const decimals = countSmallDecimals(size);
  return `${getNumberFormat(locale, decimals, size === 0 ? 2 : Math.min(decimals, 4)).format(value)} ${currency}`;
}

/** Decimals that show two significant digits of a value below 0.1; two for larger ones. */
function countSmallDecimals(size: number): number {
  return size === 0 || size >= 0.1 ? 2 : Math.min(8, 1 - Math.floor(Math.log10(size)));
}
