const string = String.prototype;
const original = {
  charCodeAt: string.charCodeAt,
  indexOf: string.indexOf,
  lastIndexOf: string.lastIndexOf,
  exec: RegExp.prototype.exec,
};

/**
 * Counts the steps of string processing while `work` runs: one for every character that a method of strings or a regular
 * expression has to pass. Unlike time, the count does not depend on the machine, so two inputs can be compared. An
 * anchored expression is charged only for what it matches.
 */
export async function countSteps(work: () => Promise<unknown>): Promise<number> {
  let steps = 0;
  string.charCodeAt = function (at) {
    steps += 1;
    return original.charCodeAt.call(this, at);
  };
  string.indexOf = function (mark, from = 0) {
    const found = original.indexOf.call(this, mark, from);
    steps += (found === -1 ? this.length : found) - from + 1;
    return found;
  };
  string.lastIndexOf = function (mark, start) {
    const from = start ?? this.length;
    const found = original.lastIndexOf.call(this, mark, from);
    steps += Math.min(from, this.length) - found;
    return found;
  };
  // Splitting and replacing call this method too.
  RegExp.prototype.exec = function (this: RegExp, text) {
    const from = this.global || this.sticky ? this.lastIndex : 0;
    const found = original.exec.call(this, text);
    const isAnchored = this.sticky || this.source.startsWith("^");
    const passed = isAnchored ? 0 : (found?.index ?? text.length) - from;
    steps += passed + (found?.[0].length ?? 0) + 1;
    return found;
  };
  try {
    await work();
  } finally {
    string.charCodeAt = original.charCodeAt;
    string.indexOf = original.indexOf;
    string.lastIndexOf = original.lastIndexOf;
    RegExp.prototype.exec = original.exec;
  }
  return steps;
}
