import { DIMENSIONS, embedText, toFloats } from "./embed-text.ts";
import { printVector } from "./print-vector.ts";

/** How vectors are computed; `fixed` selects one of a few by the ends and the length of the text. */
export type VectorMode = "meaningful" | "fixed";

const FIXED_VECTORS = 32;

/** LRU cache of the printed vectors of texts. */
export class SimulatedVectorStore {
  readonly #printed = new Map<string, Buffer>();
  readonly #capacity: number;
  readonly #fixed = new Map<number, readonly Buffer[]>();

  /** `capacity`: cached vectors; each takes about 18 KB. */
  constructor(capacity = 2000) {
    this.#capacity = capacity;
  }

  /** JSON arrays of numbers, one per text. */
  print(texts: readonly string[], mode: VectorMode, dimensions: number = DIMENSIONS): Buffer[] {
    if (mode === "meaningful") return texts.map((text) => this.#printOne(text, dimensions));
    const fixed =
      this.#fixed.get(dimensions) ??
      Array.from({ length: FIXED_VECTORS }, (_, n) => printVector(embedText(fixedText(n), dimensions)));
    this.#fixed.set(dimensions, fixed);
    return texts.map((text) => fixed[selectFixed(text)] ?? Buffer.alloc(0));
  }

  /** Little-endian float32 in base64, one per text; the same values as `print`. */
  encode(texts: readonly string[], mode: VectorMode, dimensions?: number): string[] {
    return texts.map((text) => {
      const source = mode === "fixed" ? fixedText(selectFixed(text)) : text;
      const floats = toFloats(embedText(source, dimensions));
      return Buffer.from(floats.buffer).toString("base64");
    });
  }

  #printOne(text: string, dimensions: number): Buffer {
    const key = `${dimensions} ${text}`;
    const known = this.#printed.get(key);
    if (known) {
      // Reinserting the entry makes it the newest; the oldest entries are dropped first.
      this.#printed.delete(key);
      this.#printed.set(key, known);
      return known;
    }
    const printed = printVector(embedText(text, dimensions));
    this.#printed.set(key, printed);
    const oldest = this.#printed.keys().next();
    if (this.#printed.size > this.#capacity && !oldest.done) this.#printed.delete(oldest.value);
    return printed;
  }
}

/** Equal texts get equal vectors, as from a real model, without reading all of a text. */
function selectFixed(text: string): number {
  const last = text.length - 1;
  return (
    (text.length + 31 * text.charCodeAt(last) + 7 * text.charCodeAt(last - 1) + text.charCodeAt(0)) % FIXED_VECTORS || 0
  );
}

function fixedText(n: number): string {
  return `fixed vector number ${n}`;
}
