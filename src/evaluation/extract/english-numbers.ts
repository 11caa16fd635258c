const ONES =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const SMALL = new Map<string, number>([
  ...ONES.map((word, value) => [word, value] as const),
  ...TENS.map((word, i) => [word, (i + 2) * 10] as const),
]);
const MAGNITUDES = new Map([
  ["thousand", 1e3],
  ["million", 1e6],
  ["billion", 1e9],
  ["trillion", 1e12],
]);
const PARTS = new Map([
  ["half", 2],
  ["halves", 2],
  ["third", 3],
  ["thirds", 3],
  ["quarter", 4],
  ["quarters", 4],
  ["fourth", 4],
  ["fourths", 4],
  ["fifth", 5],
  ["fifths", 5],
  ["eighth", 8],
  ["eighths", 8],
  ["tenth", 10],
  ["tenths", 10],
]);

const WORD = `(?:${[...SMALL.keys(), "hundred", ...MAGNITUDES.keys(), "dozen"].join("|")})`;
/** Finds numbers in words, with an optional sign, decimals ("point five"), and fraction ("three quarters", "and a half"). */
export const ENGLISH_NUMBER = new RegExp(
  String.raw`(?<![\p{L}\p{N}])(?:(?:minus|negative)\s+)?(?:(?:a\s+)?(?=hundred|thousand|million|billion|dozen))?${WORD}(?:(?:-|\s+(?:and\s+)?)${WORD})*` +
    String.raw`(?:\s+point(?:\s+(?:${ONES.slice(0, 10).join("|")}))+)?(?:\s+and\s+a\s+half|(?:-|\s+)(?:${[...PARTS.keys()].join("|")}))?(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])(?:a\s+|one[-\s])?half(?![\p{L}\p{N}])`,
  "giu",
);

/** The value of a match of ENGLISH_NUMBER; undefined for words that do not make one number, such as "two three". */
export function parseEnglishNumber(text: string): number | undefined {
  const words = text.toLowerCase().split(/[\s-]+/);
  const isNegative = words[0] === "minus" || words[0] === "negative";
  const rest = words.slice(isNegative ? 1 : 0).filter((word) => word !== "a");
  if (rest.join(" ") === "half") return 0.5;
  const denominator = PARTS.get(rest.at(-1) ?? "");
  const hasHalf = rest.at(-2) === "and" && denominator === 2;
  const cardinal = rest.slice(0, denominator === undefined ? undefined : hasHalf ? -2 : -1);
  const point = cardinal.indexOf("point");
  const whole = parseCardinal(cardinal.slice(0, point === -1 ? undefined : point));
  if (whole === undefined) return undefined;
  const decimals =
    point === -1
      ? 0
      : Number(
          `0.${cardinal
            .slice(point + 1)
            .map((word) => SMALL.get(word))
            .join("")}`,
        );
  const value = hasHalf ? whole + 0.5 : (whole + decimals) / (denominator ?? 1);
  return isNegative ? -value : value;
}

function parseCardinal(words: readonly string[]): number | undefined {
  let [total, group, last] = [0, 0, Number.POSITIVE_INFINITY];
  for (const word of words) {
    const small = SMALL.get(word);
    const magnitude = MAGNITUDES.get(word);
    if (small !== undefined) {
      // After "twenty" only one to nine may follow, after "five" nothing.
      if (last < 20 || (last < 100 && small >= 10)) return undefined;
      group += small;
      last = small;
    } else if (word === "hundred" || word === "dozen") {
      group = (group === 0 ? 1 : group) * (word === "dozen" ? 12 : 100);
      last = 100;
    } else if (magnitude !== undefined) {
      total += (group === 0 ? 1 : group) * magnitude;
      [group, last] = [0, Number.POSITIVE_INFINITY];
    } else if (word !== "and") return undefined;
  }
  return total + group;
}
