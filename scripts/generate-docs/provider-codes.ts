import type { ProviderErrorKind } from "#src/core/failures/errors.ts";
import { ANTHROPIC_CODES } from "#src/providers/anthropic/profile.ts";
import { GEMINI_CODES, GEMINI_FAILURES } from "#src/providers/gemini/profile.ts";
import { MINIMAX_CODES } from "#src/providers/minimax/profile.ts";
import {
  COMMON_CODES,
  DASHSCOPE_CODES,
  SILICONFLOW_CODES,
  TEI_CODES,
  VOLCENGINE_CODES,
} from "#src/providers/openai-compatible/error-codes.ts";
import { classifyRerankResponse, RERANK_PROFILES } from "#src/providers/rerank/profiles.ts";
import { SPARK_CODES } from "#src/providers/spark/profile.ts";
import { ZHIPU_CODES, ZHIPU_NAMED_CODES } from "#src/providers/zhipu/profile.ts";

interface CodeMeaning {
  readonly kind: ProviderErrorKind;
  readonly message: string;
  readonly hint?: string;
}
type CodeTable = Readonly<Record<string, CodeMeaning>>;

/** Sections of docs/errors.md: one table for each family of error codes. */
export const PROVIDER_CODE_TABLES: Readonly<Record<string, () => string>> = {
  minimax: () => renderTable([["", MINIMAX_CODES]]),
  zhipu: () =>
    renderTable([
      ["", ZHIPU_CODES],
      ["", ZHIPU_NAMED_CODES],
    ]),
  spark: () => renderTable([["", SPARK_CODES]]),
  gemini: () =>
    renderTable([
      ["", GEMINI_CODES],
      ["", GEMINI_FAILURES],
    ]),
  anthropic: () => renderTable([["", ANTHROPIC_CODES]]),
  "openai-compatible": () =>
    renderTable([
      ["all", COMMON_CODES],
      ["dashscope", DASHSCOPE_CODES],
      ["siliconflow", SILICONFLOW_CODES],
      ["volcengine-ark", VOLCENGINE_CODES],
      ["text-embeddings-inference", TEI_CODES],
    ]),
  rerank: renderStatuses,
};

/** HTTP statuses of which vendors without error codes document some. */
const STATUSES = [400, 401, 402, 403, 404, 413, 422, 429, 500, 503, 504];

/** What the statuses of vendors lead to that send no codes, one row per provider and kind. */
function renderStatuses(): string {
  const rows = RERANK_PROFILES.flatMap((profile) => {
    const kinds = STATUSES.map((status) => {
      const { kind } = classifyRerankResponse(
        { status, headers: {}, body: Buffer.from('{"message":"x"}') },
        0,
        profile,
      );
      return { status, kind };
    });
    return [...Map.groupBy(kinds, ({ kind }) => kind)].map(
      ([kind, of]) => `| ${profile.name} | ${of.map(({ status }) => status).join(", ")} | \`${kind}\` |`,
    );
  });
  return ["| provider | HTTP status | kind |", "| --- | --- | --- |", ...rows].join("\n");
}

/** One row per meaning, with all its codes. The column "provider" is left out if no table names a provider. */
function renderTable(tables: readonly (readonly [provider: string, codes: CodeTable])[]): string {
  const hasProviders = tables.some(([provider]) => provider !== "");
  const rows = new Map<string, { provider: string; codes: string[]; meaning: CodeMeaning }>();
  for (const [provider, table] of tables) {
    for (const [code, meaning] of Object.entries(table)) {
      const key = JSON.stringify([provider, meaning.kind, meaning.message, meaning.hint]);
      const row = rows.get(key);
      if (row) row.codes.push(code);
      else rows.set(key, { provider, codes: [code], meaning });
    }
  }
  const header = [...(hasProviders ? ["provider"] : []), "code", "kind", "meaning", "what to do"];
  return [header, header.map(() => "---"), ...[...rows.values()].map((row) => renderRow(row, hasProviders))]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function renderRow(
  { provider, codes, meaning }: { provider: string; codes: readonly string[]; meaning: CodeMeaning },
  hasProviders: boolean,
): string[] {
  return [
    ...(hasProviders ? [provider] : []),
    codes.map((code) => `\`${code}\``).join(", "),
    `\`${meaning.kind}\``,
    meaning.message,
    meaning.hint ?? "see the kind",
  ];
}
