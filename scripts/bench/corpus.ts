// Generates texts to embed: short, all different, and the same in every call.
import { once } from "node:events";
import { createWriteStream } from "node:fs";

const WORDS =
  "river gate water stone bridge field harbor winter market signal paper engine forest cloud garden letter window copper silver shadow".split(
    " ",
  );

/** Writes `count` texts of 12 to 23 words as JSON Lines of `{ id, text }`. */
export async function writeCorpus(path: string, count: number): Promise<void> {
  const file = createWriteStream(path);
  let state = 7;
  /** A pseudo-random integer from 0 to `below` - 1. */
  const pick = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % below;
  };
  for (let i = 0; i < count; i++) {
    const words = Array.from({ length: 12 + pick(12) }, () => WORDS[pick(WORDS.length)]);
    if (!file.write(`${JSON.stringify({ id: `t${i}`, text: `${words.join(" ")} ${i}` })}\n`)) {
      await once(file, "drain");
    }
  }
  file.end();
  await once(file, "finish");
}
