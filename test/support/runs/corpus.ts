import { embedText, toFloats } from "#src/simulator/answers/embed-text.ts";
import type { CliSandbox } from "./cli-sandbox.ts";

const ENGLISH =
  "river gate water lock channel level stone bridge field morning harvest engine signal letter number winter".split(
    " ",
  );
const CHINESE = "水闸河流渠道石桥田野清晨收获引擎信号书信数字冬天春风明月故乡白云青山";

/** The n-th text: some English or Chinese words. No two texts are equal. */
export function buildCorpusText(n: number): string {
  const pick = (i: number) => (n * 7919 + i * 104_729) >>> 0;
  if (n % 3 === 0) {
    const characters = Array.from({ length: 24 }, (_, i) => CHINESE[pick(i) % CHINESE.length]);
    return `第${n}段：${characters.join("")}。`;
  }
  const words = Array.from({ length: 14 }, (_, i) => ENGLISH[pick(i) % ENGLISH.length]);
  return `Paragraph ${n}: ${words.join(" ")}.`;
}

/** Writes `count` records into several JSONL and CSV files below `corpus/`; item n is `buildCorpusText(n)` with ID `c-n`. */
export function writeCorpus(sandbox: CliSandbox, count: number, folder = "corpus"): string {
  const files = 5;
  const perFile = Math.ceil(count / files);
  for (let file = 0; file < files; file++) {
    const numbers = Array.from(
      { length: Math.max(0, Math.min(perFile, count - file * perFile)) },
      (_, i) => file * perFile + i,
    );
    const isCsv = file % 2 === 1;
    const lines = isCsv
      ? ["id,text", ...numbers.map((n) => `c-${n},"${buildCorpusText(n)}"`)]
      : numbers.map((n) => JSON.stringify({ id: `c-${n}`, text: buildCorpusText(n) }));
    sandbox.write(`${folder}/part-${file}.${isCsv ? "csv" : "jsonl"}`, `${lines.join("\n")}\n`);
  }
  return sandbox.path(folder);
}

/** The vectors that the simulator returns for items 0 to count - 1, concatenated. */
export function expectedVectors(count: number, text: (n: number) => string = buildCorpusText): Float32Array {
  const all = new Float32Array(count * 1536);
  for (let n = 0; n < count; n++) all.set(toFloats(embedText(text(n))), n * 1536);
  return all;
}
