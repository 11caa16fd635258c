import { simplifyLatex } from "./latex.ts";

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * Writes the digits, signs, and marks of a text as ASCII: full-width characters, "−", "½", "10³" (as "10^3"), narrow spaces between
 * thousands, and LaTeX. En dashes become "~" between numbers and "-" before one.
 */
export function normalizeDigits(original: string): string {
  const text = /\\|\{,\}/.test(original) ? simplifyLatex(original) : original;
  if (!/[\u0080-\uffff]/.test(text)) return text;
  return text
    .replace(/[①-⑳⑴-⒇❶-❿]/g, "• ")
    .replace(/([⁻⁺]?)([⁰¹²³⁴-⁹]+)/g, (_, sign: string, digits: string) => {
      const power = [...digits].map((digit) => SUPERSCRIPTS.indexOf(digit)).join("");
      return `^${sign === "⁻" ? "-" : ""}${power}`;
    })
    .replace(/[㎡㎥㎢]/g, " ")
    .replace(/(\d)(?=[¼-¾⅐-⅞])/g, "$1 ")
    .replace(/(\d)[\u00a0\u202f\u2009](?=\d{3}(?!\d))/g, "$1,")
    .normalize("NFKC")
    .replace(/[−﹣]/g, "-")
    .replaceAll("⁄", "/")
    .replace(/(?<=[\d%°][^\S\n]?)[–—〜∼～](?=\s?[$€£¥]?\d)/g, "~")
    .replace(/(?<=^|[\s=(:：是为])–(?=[$€£¥]?\d)/gm, "-");
}
