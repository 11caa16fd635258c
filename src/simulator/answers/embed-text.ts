import { createSimulatorRandom, mix32 } from "./random.ts";

export const DIMENSIONS = 1536;

/** Values are multiples of 1e-8, so that the decimal text, its float32 and its base64 form agree. */
export const UNITS = 100_000_000;

const POSITIONS_PER_FEATURE = 4;
/** Share of noise derived from the text: real vectors have no zeros, and vectors of different texts differ. */
const NOISE = 0.05;

const WORD = /[\p{L}\p{N}]+/gu;
const CJK_RUN = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]+/u;
const SPLIT_CJK = /([\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]+)/u;

/**
 * A deterministic vector of unit length, in units of 1e-8: signed feature hashing of lower-case words, or of characters
 * and character pairs in scripts without spaces. Texts with common words have similar vectors.
 */
export function embedText(text: string, dimensions: number = DIMENSIONS): Int32Array {
  const vector = new Float64Array(dimensions);
  for (const [feature, weight] of weighFeatures(text)) addFeature(vector, feature, weight);
  normalize(vector);
  addNoise(vector, hashText(text));
  normalize(vector);
  const units = new Int32Array(dimensions);
  for (let index = 0; index < dimensions; index++) units[index] = Math.round((vector[index] as number) * UNITS);
  return units;
}

/** The values as float32, as a client reads them. */
export function toFloats(units: Int32Array): Float32Array {
  const floats = new Float32Array(units.length);
  for (let index = 0; index < units.length; index++) floats[index] = (units[index] as number) / UNITS;
  return floats;
}

function weighFeatures(text: string): Map<string, number> {
  const counts = new Map<string, { count: number; weight: number }>();
  const add = (feature: string, weight: number) => {
    const known = counts.get(feature);
    if (known) known.count += 1;
    else counts.set(feature, { count: 1, weight });
  };
  for (const [word] of text.toLowerCase().matchAll(WORD)) {
    for (const part of word.split(SPLIT_CJK)) {
      if (part === "") continue;
      if (CJK_RUN.test(part)) addCharacters([...part], add);
      else addWord(part, add);
    }
  }
  // Repeated words count more, but less than linearly.
  return new Map([...counts].map(([feature, { count, weight }]) => [feature, weight * (1 + Math.log(count))]));
}

function addWord(word: string, add: (feature: string, weight: number) => void): void {
  // Short words are mostly grammatical; the first letters relate inflected forms to each other.
  add(`w:${word}`, word.length <= 3 ? 0.25 : 1);
  if (word.length > 5) add(`p:${word.slice(0, 5)}`, 0.5);
}

function addCharacters(characters: readonly string[], add: (feature: string, weight: number) => void): void {
  for (const [index, character] of characters.entries()) {
    add(`c:${character}`, 0.4);
    const next = characters[index + 1];
    if (next !== undefined) add(`b:${character}${next}`, 1);
  }
}

function addFeature(vector: Float64Array, feature: string, weight: number): void {
  let hash = hashText(feature);
  for (let n = 0; n < POSITIONS_PER_FEATURE; n++) {
    hash = mix32(hash + n + 1);
    const index = (hash >>> 1) % vector.length;
    vector[index] = (vector[index] ?? 0) + (hash & 1 ? weight : -weight);
  }
}

function addNoise(vector: Float64Array, seed: number): void {
  const random = createSimulatorRandom(seed);
  const amplitude = NOISE * Math.sqrt(3 / vector.length);
  for (let index = 0; index < vector.length; index++)
    vector[index] = (vector[index] as number) + amplitude * (2 * random() - 1);
}

function normalize(vector: Float64Array): void {
  let sum = 0;
  for (let index = 0; index < vector.length; index++) sum += (vector[index] as number) ** 2;
  if (sum === 0) return;
  const scale = 1 / Math.sqrt(sum);
  for (let index = 0; index < vector.length; index++) vector[index] = (vector[index] as number) * scale;
}

/** FNV-1a over UTF-16 units. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mix32(hash);
}
