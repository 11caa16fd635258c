import { DIMENSIONS, embedText, toFloats } from "./embed-text.ts";
import { printVector } from "./print-vector.ts";

/** How vectors are computed; `fixed` ignores the texts. */
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
    return texts.map((_, index) => fixed[index % FIXED_VECTORS] ?? Buffer.alloc(0));
  }

  /** Little-endian float32 in base64, one per text; the same values as `print`. */
  encode(texts: readonly string[], mode: VectorMode, dimensions?: number): string[] {
    return texts.map((text, index) => {
      const source = mode === "fixed" ? fixedText(index % FIXED_VECTORS) : text;
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

function fixedText(n: number): string {
  return `fixed vector number ${n}`;
}
