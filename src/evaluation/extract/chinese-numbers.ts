const DIGITS: Readonly<Record<string, number>> = {
  ...{ 〇: 0, 零: 0, 一: 1, 二: 2, 两: 2, 兩: 2, 三: 3, 四: 4, 五: 5, 六: 6, 七: 7, 八: 8, 九: 9 },
  ...{ 壹: 1, 贰: 2, 叁: 3, 肆: 4, 伍: 5, 陆: 6, 柒: 7, 捌: 8, 玖: 9 },
};
const SMALL_UNITS: Readonly<Record<string, number>> = { 十: 10, 拾: 10, 百: 100, 佰: 100, 千: 1000, 仟: 1000 };
const LARGE_UNITS: Readonly<Record<string, number>> = { 万: 1e4, 萬: 1e4, 亿: 1e8, 億: 1e8 };

/** "三百零五" -> 305, "二〇二四" -> 2024, "一万二" -> 12000, "三点一四" -> 3.14; undefined if the text is not a number. */
export function parseChineseNumber(text: string): number | undefined {
  const [whole = "", decimals, ...more] = text.split("点");
  if (more.length > 0) return undefined;
  const integer = parseInteger(whole);
  if (integer === undefined || decimals === undefined) return integer;
  const digits = [...decimals].map((each) => DIGITS[each]);
  if (digits.length === 0 || digits.includes(undefined)) return undefined;
  return Number(`${integer}.${digits.join("")}`);
}

function parseInteger(text: string): number | undefined {
  const characters = [...text];
  if (characters.length === 0) return undefined;
  if (characters.length > 1 && characters.every((each) => each in DIGITS))
    return Number(characters.map((each) => DIGITS[each]).join(""));
  let [total, section, digit, lastUnit, hasZero]: [number, number, number | undefined, number, boolean] = [
    0,
    0,
    undefined,
    1,
    false,
  ];
  for (const character of characters) {
    const [value, small, large] = [DIGITS[character], SMALL_UNITS[character], LARGE_UNITS[character]];
    if (value !== undefined) {
      if (digit !== undefined && digit !== 0) return undefined;
      digit = value;
      if (value === 0) hasZero = true;
    } else if (small !== undefined) {
      section += (digit ?? 1) * small;
      [digit, lastUnit, hasZero] = [undefined, small, false];
    } else if (large !== undefined) {
      if (digit === undefined && section === 0 && total === 0) return undefined;
      section += digit ?? 0;
      total = large === 1e8 ? (total + section) * large : total + section * large;
      [section, digit, lastUnit, hasZero] = [0, undefined, large, false];
    } else return undefined;
  }
  // "一万二" is 12,000 and "三百五" 350, but "三百零五" is 305, and "十五" is 15.
  const isShort = lastUnit >= 100 && !hasZero;
  return total + section + (digit ?? 0) * (isShort ? lastUnit / 10 : 1);
}
