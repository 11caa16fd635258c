// Measures estimated tokens against two vocabularies of OpenAI, per script, and prints the table of docs/embed.md.
import { countTokens as countCl100k } from "gpt-tokenizer/encoding/cl100k_base";
import { countTokens as countO200k } from "gpt-tokenizer/encoding/o200k_base";
import { estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";
import { TOKEN_SAMPLES } from "#test/support/token-samples.ts";

const deviation = (estimate: number, tokens: number) => {
  const percent = Math.round((estimate / tokens - 1) * 100);
  return `${percent > 0 ? "+" : ""}${percent} %`;
};
const rows = Object.entries(TOKEN_SAMPLES).map(([name, text]) => {
  const estimate = estimateTokens(text);
  return [name, deviation(estimate, countCl100k(text)), deviation(estimate, countO200k(text))];
});
const table = [["text", "cl100k", "o200k"], ["---", "---", "---"], ...rows];
process.stdout.write(`${table.map((row) => `| ${row.join(" | ")} |`).join("\n")}\n`);
