import { findClosingBrace } from "./marked-answers.ts";

const COMMANDS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/\\(?:begin|end)\{[a-z]+\*?\}/g, " "],
  [/\\\\/g, "\n"],
  [/(?<!\\)&/g, " "],
  [/\\(?:left|right|bigl?|bigr?|Bigl?|Bigr?|displaystyle|limits|quad|qquad)(?![A-Za-z])/g, " "],
  [/(?<=\d)\\[,!:](?=\d{3}(?!\d))|\{,\}/g, ","],
  [/\\[,;:! ]|~/g, " "],
  [
    /\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mathsf|operatorname|mbox|boldsymbol|bf|rm|emph|boxed)\s*\{([^{}]*)\}/g,
    " $1 ",
  ],
  [/\\(?:times|ast)(?![A-Za-z])/g, "×"],
  [/\\cdot(?![A-Za-z])/g, "·"],
  [/\\div(?![A-Za-z])/g, "÷"],
  [/\\pm(?![A-Za-z])/g, "±"],
  [/\\pi(?![A-Za-z])/g, "π"],
  [/\\infty(?![A-Za-z])/g, "∞"],
  [/\\(?:approx|simeq|sim)(?![A-Za-z])/g, "≈"],
  [/\\(?:le|leq|leqslant)(?![A-Za-z])/g, "≤"],
  [/\\(?:ge|geq|geqslant)(?![A-Za-z])/g, "≥"],
  [/\\(?:ne|neq)(?![A-Za-z])/g, "≠"],
  [/\\(?:lt)(?![A-Za-z])/g, "<"],
  [/\\(?:gt)(?![A-Za-z])/g, ">"],
  [/\\(?:cup)(?![A-Za-z])/g, "∪"],
  [/\\in(?![A-Za-z])/g, "∈"],
  [/\^\s*\{?\s*\\(?:circ|degree)(?![A-Za-z])\s*\}?|\\degree(?![A-Za-z])/g, "°"],
  [/\\([$%#&_{}])/g, "$1"],
  [/\\[()[\]]|\$\$/g, " "],
];
const FRACTION = /\\[dtc]?frac\s*/g;
const ROOT = /\\sqrt\s*(?:\[([^\]]*)\])?\s*/g;

/** Writes LaTeX as plain text: `\frac{1}{2}` as "(1)/(2)" (digits without parentheses), `\sqrt{2}` as "√(2)", without spacing and fonts. */
export function simplifyLatex(latex: string): string {
  let text = latex;
  for (const [pattern, replacement] of COMMANDS) text = text.replace(pattern, replacement);
  // Fractions and roots may be nested; the inner ones are rewritten by a later turn.
  for (let turn = 0; turn < 20 && /\\(?:[dtc]?frac|sqrt)/.test(text); turn += 1) {
    text = rewriteCommand(text, FRACTION, 2, ([above = "", below = ""], _, before) => {
      // "1\\frac{1}{2}" is a mixed number.
      return `${/\d$/.test(before) ? " " : ""}${group(above)}/${group(below)}`;
    });
    text = rewriteCommand(text, ROOT, 1, ([inner = ""], index) => `${index ? `root(${index})` : "√"}(${inner})`);
  }
  return text.replace(/\^\{([^{}]*)\}/g, (_, power: string) =>
    /^[-+]?\d+$/.test(power.trim()) ? `^${power.trim()}` : `^(${power})`,
  );
}

function group(text: string): string {
  return /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? text.trim() : `(${text})`;
}

/** Replaces the first match and its arguments: groups in braces, or single characters as in `\frac12`. */
function rewriteCommand(
  text: string,
  pattern: RegExp,
  count: number,
  rewrite: (args: readonly string[], index: string | undefined, before: string) => string,
): string {
  pattern.lastIndex = 0;
  const match = pattern.exec(text);
  if (!match) return text;
  const args: string[] = [];
  let at = match.index + match[0].length;
  for (let i = 0; i < count; i += 1) {
    while (text[at] === " ") at += 1;
    const end = text[at] === "{" ? findClosingBrace(text, at + 1) : undefined;
    if (text[at] === "{" && end !== undefined) {
      args.push(text.slice(at + 1, end));
      at = end + 1;
    } else {
      args.push(text.slice(at, at + 1));
      at += 1;
    }
  }
  const before = text.slice(0, match.index);
  return `${before}${rewrite(args, match[1], before)}${text.slice(at)}`;
}
