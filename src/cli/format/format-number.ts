/** Shown for unknown numbers; zero is a known number. */
export const UNKNOWN_VALUE = "-";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const three = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

function isKnown(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value);
}

/** "1,234,567" */
export function formatCount(value: number | undefined): string {
  return isKnown(value) ? whole.format(value) : UNKNOWN_VALUE;
}

/** Three significant digits: "950", "1.2k", "24.8M", "3.1G". */
export function formatShortCount(value: number | undefined): string {
  if (!isKnown(value)) return UNKNOWN_VALUE;
  for (const [unit, size] of [
    ["", 1],
    ["k", 1e3],
    ["M", 1e6],
    ["G", 1e9],
  ] as const) {
    // 999.5k would be written "1,000k", so it uses the next unit.
    if (Math.abs(value) < size * 999.5) {
      return unit === "" ? whole.format(value) : `${three.format(value / size)}${unit}`;
    }
  }
  return `${whole.format(value / 1e9)}G`;
}

/** A rate per second without its unit: "0.25", "4.25", "58.1", "5,812". */
export function formatRate(perSecond: number | undefined): string {
  if (!isKnown(perSecond)) return UNKNOWN_VALUE;
  if (perSecond >= 99.95 || perSecond === 0) return whole.format(perSecond);
  return perSecond.toFixed(perSecond >= 9.995 ? 1 : 2);
}

/** A share of 0 to 1 as "57.3 %", rounded down: only 1 reads "100 %", and only 0 reads "0 %". */
export function formatPercent(share: number | undefined): string {
  if (!isKnown(share)) return UNKNOWN_VALUE;
  // Without the small addition, 0.573 * 1000 is 572.9999.
  const tenths = Math.floor(share * 1000 + 1e-9) / 10;
  if (tenths === 0 && share > 0) return "<0.1 %";
  return share === 0 || share === 1 ? `${tenths} %` : `${tenths.toFixed(1)} %`;
}

/** "12.40 CNY"; small amounts have two significant digits, "0.0042 CNY". */
export function formatMoney(amount: number | undefined, currency: string): string {
  if (!isKnown(amount)) return UNKNOWN_VALUE;
  if (amount > 0 && amount < 0.0001) return `<0.0001 ${currency}`;
  const digits = fractionDigits(currency);
  const isSmall = amount !== 0 && Math.abs(amount) < 0.1;
  const number = isSmall
    ? amount.toLocaleString("en-US", { maximumSignificantDigits: 2, minimumFractionDigits: digits })
    : amount.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${number} ${currency}`;
}

function fractionDigits(currency: string): number {
  if (!/^[A-Z]{3}$/.test(currency)) return 2;
  const { maximumFractionDigits } = new Intl.NumberFormat("en-US", {
    style: "currency",
    currency,
  }).resolvedOptions();
  return maximumFractionDigits ?? 2;
}

/** "512 B", "64.2 kB", "1.5 GB", in powers of 1,000. */
export function formatBytes(bytes: number | undefined): string {
  if (!isKnown(bytes)) return UNKNOWN_VALUE;
  for (const [unit, size] of [
    ["B", 1],
    ["kB", 1e3],
    ["MB", 1e6],
    ["GB", 1e9],
  ] as const) {
    if (bytes < size * 999.5) return `${unit === "B" ? whole.format(bytes) : three.format(bytes / size)} ${unit}`;
  }
  return `${three.format(bytes / 1e12)} TB`;
}

/** "1 item", "2 items", "1,234 items". */
export function formatMany(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
