import { existsSync } from "node:fs";
import { join } from "node:path";
import { TemplateError } from "#src/evaluation/liquid-templates.ts";
import { PromptTemplates } from "#src/producer/run-kinds/evaluation/prompt-templates.ts";
import { readRecords } from "./read-records.ts";
import { asRecord, type ForeignFile, type ProblemSink, type TranslatedCheck, type Translation } from "./translation.ts";

type Mapping = Readonly<Record<string, unknown>>;
type Path = readonly PropertyKey[];

export function isHostedEvals(content: Mapping): boolean {
  return Array.isArray(content.testing_criteria);
}

/**
 * An eval of OpenAI's hosted service, with the data source of one of its runs. Rows without one come from a JSONL file with the
 * name of the eval beside it.
 */
export async function translateHostedEval(file: ForeignFile): Promise<Translation> {
  const { content, problems, models } = file;
  const { path: sourcePath, source } = findDataSource(content);
  const items = await readItems(file, source, sourcePath);
  const criteria = readCriteria(content.testing_criteria, problems);
  const templates = new PromptTemplates();
  const rows = items.map((item, i) => ({
    ...{ __id: `item-${i + 1}`, item },
    ...Object.fromEntries(
      criteria.map(({ field, path, check, reference }) => [
        field,
        createChecks(check, reference, { item }, (message) => problems.add(path, message), templates),
      ]),
    ),
  }));
  const model = typeof source?.model === "string" ? file.findModel(`openai/${source.model}`) : undefined;
  if (models === undefined && model === undefined) problems.add(sourcePath, "no run names a model: add --models");
  const parameters = asRecord(source?.sampling_params);
  const used = models ?? (model === undefined ? [] : [model]);
  return {
    content: {
      name: typeof content.name === "string" ? content.name : file.name,
      prompts: [readPrompt(source, sourcePath, items, problems)],
      models: used.map((each) => ({
        model: each,
        ...(models === undefined && parameters ? { parameters: toParameters(parameters) } : {}),
      })),
      scorers: Object.fromEntries(criteria.map(({ name, field }) => [name, { type: "checks", field }])),
    },
    rows,
  };
}

function toParameters({ max_completions_tokens: maxTokens, ...others }: Mapping): Mapping {
  return maxTokens === undefined ? others : { ...others, max_completion_tokens: maxTokens };
}

function findDataSource(content: Mapping): { readonly path: Path; readonly source: Mapping | undefined } {
  const [run] = Array.isArray(content.runs) ? content.runs : [];
  if (run !== undefined) return { path: ["runs", 0, "data_source"], source: asRecord(asRecord(run)?.data_source) };
  return { path: ["data_source"], source: asRecord(content.data_source) };
}

/** The items in the file, or in the JSONL file beside it. */
async function readItems(
  { folder, name, problems }: ForeignFile,
  source: Mapping | undefined,
  path: Path,
): Promise<Mapping[]> {
  const inline = asRecord(source?.source)?.content;
  if (Array.isArray(inline)) return inline.map((row) => asRecord(asRecord(row)?.item) ?? asRecord(row) ?? {});
  const beside = join(folder, `${name}.jsonl`);
  if (!existsSync(beside)) {
    problems.add(
      [...path, "source"],
      `no items: save them as ${name}.jsonl beside this file, one {"item": {...}} per line`,
    );
    return [];
  }
  const read = await readRecords(beside);
  if ("records" in read) return read.records.map(({ fields }) => asRecord(fields.item) ?? fields);
  problems.addAt(read.where, read.problem);
  return [];
}

function readPrompt(source: Mapping | undefined, path: Path, items: readonly Mapping[], problems: ProblemSink): object {
  const messages = asRecord(source?.input_messages);
  if (messages === undefined) {
    // Without a run, items with chat messages or a question can be asked as they are.
    const field = ["input", "messages", "question", "prompt"].find(
      (name) => items.length > 0 && items.every((item) => name in item),
    );
    if (field !== undefined && items.every((item) => typeof item[field] === "string"))
      return { user: `{{ item.${field} }}` };
    problems.add([...path, "input_messages"], "no prompt: expected input_messages with a template");
    return { user: "-" };
  }
  if (messages.type !== "template" || !Array.isArray(messages.template)) {
    problems.add([...path, "input_messages"], "only templates are supported, not references to items");
    return { user: "-" };
  }
  return { messages: messages.template.map((one) => toMessage(asRecord(one) ?? {})) };
}

function toMessage({ role, content }: Mapping): Mapping {
  const text = asRecord(content)?.text;
  return { role, content: text ?? content };
}

interface Criterion {
  readonly name: string;
  /** Of the rows; contains the check. */
  readonly field: string;
  readonly path: Path;
  readonly check: TranslatedCheck;
  /** Template of the target. */
  readonly reference: string;
}

const OUTPUT = /^\s*\{\{\s*sample\.output_text\s*\}\}\s*$/;
const OPERATIONS: Readonly<Record<string, TranslatedCheck>> = {
  eq: { type: "exact" },
  ne: { type: "exact", negate: true },
  like: { type: "includes", ignoreCase: false },
  ilike: { type: "includes" },
};
const SIMILARITIES: Readonly<Record<string, TranslatedCheck>> = {
  fuzzy_match: { type: "levenshtein" },
  bleu: { type: "bleu" },
  rouge_1: { type: "rouge", variant: "1" },
  rouge_2: { type: "rouge", variant: "2" },
  rouge_l: { type: "rouge", variant: "L" },
};

/** The criteria that can be checked; reports the others. */
function readCriteria(list: unknown, problems: ProblemSink): Criterion[] {
  return (Array.isArray(list) ? list : []).flatMap((one, i) => {
    const path = ["testing_criteria", i];
    const criterion = asRecord(one) ?? {};
    const check = translateCriterion(criterion);
    if (typeof check === "string") {
      problems.add(path, check);
      return [];
    }
    const name = typeof criterion.name === "string" ? criterion.name : `criterion-${i + 1}`;
    return [{ name, field: `__checks_${i + 1}`, path, check, reference: String(criterion.reference) }];
  });
}

function translateCriterion({ type, input, reference, ...criterion }: Mapping): TranslatedCheck | string {
  if (type === "label_model" || type === "score_model")
    return `the type ${type} needs a judge; add a scorer to a spec of your own`;
  if (type !== "string_check" && type !== "text_similarity") return `the type ${String(type)} is not supported`;
  if (typeof input !== "string" || !OUTPUT.test(input)) return "the input must be {{sample.output_text}}";
  if (typeof reference !== "string") return "the reference must be a text";
  if (/\{\{\s*sample\./.test(reference)) return "the reference must not refer to the sample";
  if (type === "string_check") {
    const check = Object.hasOwn(OPERATIONS, String(criterion.operation))
      ? OPERATIONS[String(criterion.operation)]
      : undefined;
    return check ?? `the operation is not supported; supported are ${Object.keys(OPERATIONS).join(", ")}`;
  }
  const metric = String(criterion.evaluation_metric);
  const check = Object.hasOwn(SIMILARITIES, metric) ? SIMILARITIES[metric] : undefined;
  if (check === undefined) return `the metric is not supported; supported are ${Object.keys(SIMILARITIES).join(", ")}`;
  return typeof criterion.pass_threshold === "number"
    ? { ...check, pass: criterion.pass_threshold }
    : "pass_threshold is missing";
}

function createChecks(
  check: TranslatedCheck,
  reference: string,
  fields: Mapping,
  report: (message: string) => void,
  templates: PromptTemplates,
): TranslatedCheck[] {
  try {
    return [{ ...check, targets: [templates.render(reference, fields)] }];
  } catch (error) {
    const problem = error instanceof TemplateError ? error.message : `not a valid template`;
    report(problem);
    return [];
  }
}
