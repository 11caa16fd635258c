import { type FieldGuess, findField, isFilledText, readRowField, referTo, type StarterRow } from "./dataset-fields.ts";
import { guessChoices } from "./guess-choices.ts";

/** Sections of a spec for a dataset, and why they are so. */
export interface SpecGuess {
  readonly id: FieldGuess;
  readonly target: string;
  readonly prompt: { readonly user: string } | { readonly messages: string };
  readonly cluster: string | undefined;
  readonly scorer: Readonly<Record<string, unknown>> & { readonly type: string };
  /** One sentence about the scorer. */
  readonly reason: string;
}

/** What is missing in a dataset, as the end of a sentence. */
export class GuessError extends Error {
  override readonly name = "GuessError";
}

const IDS = ["id", "_id", "item_id", "question_id", "task_id", "qid", "uid", "uuid", "key", "idx", "index"];
const QUESTIONS = [
  ...["question", "query", "problem", "prompt", "input", "instruction", "text", "sentence", "content"],
  ...["question_text", "problem_statement", "message", "messages", "问题", "题目", "题干", "输入"],
];
const TARGETS = [
  ...["target", "answer", "answers", "expected", "ideal", "label", "solution", "answerkey", "answer_key", "gold"],
  ...["correct_answer", "best_answer", "reference", "expected_output", "ground_truth", "canonical_solution"],
  ...["output", "response", "completion", "答案", "标签", "输出"],
];
const PASSAGES = ["context", "passage", "story", "article", "document", "材料", "文章"];
/** More words than this are an explanation, which no answer contains literally. */
const SHORT_WORDS = 6;
const MAX_LABELS = 10;

/** Guesses a spec from the first rows of a dataset. Throws a GuessError if it finds no question or no expected answer. Pure. */
export function guessSpec(rows: readonly StarterRow[]): SpecGuess {
  const id = guessId(rows);
  const code = guessCode(rows);
  if (code) return { id, cluster: undefined, ...code };
  const question = findField(rows, QUESTIONS);
  if (question === undefined)
    throw new GuessError(
      `contains no field with a question; expected ${QUESTIONS[0]}, ${QUESTIONS[3]}, or ${QUESTIONS[4]}`,
    );
  const target = findField(
    rows,
    TARGETS.filter((name) => name !== question.toLowerCase()),
  );
  if (target === undefined)
    throw new GuessError(`contains no field with an expected answer; expected answer, target, or label`);
  const passage = findField(rows, PASSAGES);
  const cluster = passage !== undefined && hasRepeats(rows, passage) ? passage : undefined;
  const choices = guessChoices(rows, target);
  const own = choices ?? guessAnswer(rows, target);
  const hint = "hint" in own ? own.hint : CHOICE_HINT;
  const text = [passage, ...askedFields(rows, question)].filter((name) => name !== undefined).map(referTo);
  const parts = [...text, ...(choices ? [choices.list] : []), hint];
  const isChat = rows.every((row) => Array.isArray(row[question]));
  const prompt = isChat ? { messages: question } : { user: `${parts.join("\n\n")}\n` };
  return { id, cluster, prompt, target: own.target, scorer: own.scorer, reason: own.reason };
}

const CHOICE_HINT = "End with “Answer: ” and the letter of your choice.";

interface AnswerGuess extends Pick<SpecGuess, "target" | "scorer" | "reason"> {
  /** The end of the prompt. */
  readonly hint: string;
}

function guessAnswer(rows: readonly StarterRow[], field: string): AnswerGuess {
  const values = rows.flatMap((row) => readTargetTexts(row[field]));
  const target = rows.every((row) => Array.isArray(readRowField(row, `${field}.text`)))
    ? `{{ ${referToPath(field)}.text | first }}`
    : field;
  const every = (test: (value: string) => boolean) => values.length > 0 && values.every(test);
  if (every((value) => value.includes("#### ")))
    return {
      target: `{{ ${referToPath(field)} | split: '#### ' | last }}`,
      scorer: { type: "numeric" },
      reason: `“${field}” ends with "#### " and a number, as in GSM8K.`,
      hint: "End with “Answer: ” and the number.",
    };
  if (every((value) => NUMBER.test(value.trim())))
    return {
      ...{ target, scorer: { type: "numeric" } },
      reason: `All values of “${field}” are numbers.`,
      hint: "End with “Answer: ” and the number.",
    };
  if (values.some((value) => /\\(?:boxed|frac|sqrt|pi|text)|^\$.*\$$/.test(value)))
    return {
      ...{ target, scorer: { type: "math" } },
      reason: `“${field}” contains LaTeX.`,
      hint: "Put your final answer in \\boxed{}.",
    };
  if (target === field && rows.every((row) => typeof row[field] === "object" && !Array.isArray(row[field])))
    return {
      ...{ target, scorer: { type: "json", equals: true } },
      reason: `“${field}” contains JSON.`,
      hint: "Answer with JSON only.",
    };
  const labels = [...new Set(values)];
  if (labels.length <= MAX_LABELS && values.length >= labels.length * 3 && labels.every(isShort))
    return {
      ...{ target, scorer: { type: "exact", simplify: true } },
      reason: `“${field}” has few different values, so they are labels.`,
      hint: `Answer with one of these words only: ${labels.toSorted().join(", ")}.`,
    };
  if (every(isShort))
    return {
      ...{ target, scorer: { type: "includes", wholeWord: true } },
      reason: `The values of “${field}” are short, so an answer that contains one is right.`,
      hint: "Answer briefly.",
    };
  return {
    ...{ target, scorer: { type: "f1" } },
    reason: `The values of “${field}” are longer texts, so the score is the share of common words.`,
    hint: "Answer briefly.",
  };
}

const NUMBER = /^[-+−]?[$€£¥]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?%?$/i;

function isShort(value: string): boolean {
  return value.trim().split(/\s+/).length <= SHORT_WORDS && value.length <= 60;
}

/** The texts of a target: of a text or number, of a list, or of SQuAD's `{ text: [...] }`. */
function readTargetTexts(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.flatMap((one) => {
    const { text } = typeof one === "object" && one !== null && "text" in one ? one : { text: one };
    return Array.isArray(text) ? text.map(String) : typeof text === "object" ? [JSON.stringify(text)] : [String(text)];
  });
}

/** An instruction has its input in a field of its own. */
function askedFields(rows: readonly StarterRow[], question: string): string[] {
  const input = question.toLowerCase() === "input" ? findField(rows, ["instruction"]) : undefined;
  return input === undefined ? [question] : [input, question];
}

function guessCode(
  rows: readonly StarterRow[],
): Pick<SpecGuess, "prompt" | "target" | "scorer" | "reason"> | undefined {
  const test = findField(rows, ["test", "tests", "test_code"]);
  const prompt = findField(rows, ["prompt", "question", "problem", "instruction", "text"]);
  if (test === undefined || prompt === undefined || !rows.every((row) => isFilledText(row[test]))) return undefined;
  const tests = rows.map((row) => String(row[test]));
  const isJavascript = tests.every(
    (text) => /\b(?:const|let|require|=>|function)\b|===/.test(text) && !/\bdef \w/.test(text),
  );
  if (!isJavascript && !tests.every((text) => /\bassert\b/.test(text))) return undefined;
  const entryPoint = findField(rows, ["entry_point", "entrypoint", "function_name"]);
  const language = isJavascript ? "javascript" : "python";
  const scorer = {
    ...{ type: "code", language, testField: test, promptField: prompt },
    ...(entryPoint === undefined ? {} : { entryPointField: entryPoint }),
  };
  return {
    prompt: {
      user: `Complete this ${isJavascript ? "JavaScript" : "Python"} program. Answer with one code block.\n\n${referTo(prompt)}\n`,
    },
    target: test,
    scorer,
    reason: `“${test}” contains tests, which run with the code of each answer.`,
  };
}

function guessId(rows: readonly StarterRow[]): FieldGuess {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const found = names
    .filter((name) => IDS.includes(name.toLowerCase()))
    .toSorted((a, b) => IDS.indexOf(a.toLowerCase()) - IDS.indexOf(b.toLowerCase()))
    .find(
      (name) =>
        rows.every((row) => isFilledText(row[name]) || Number.isSafeInteger(row[name])) && !hasRepeats(rows, name),
    );
  if (found !== undefined) return { field: found, reason: "Unique in the rows that were read." };
  if (!names.includes("id")) return { field: undefined, reason: "No field has an id: rows are numbered by line." };
  return {
    field: "-",
    reason: "The values of “id” are not unique, so rows are numbered by line: there is no field “-”.",
  };
}

function hasRepeats(rows: readonly StarterRow[], field: string): boolean {
  return new Set(rows.map((row) => JSON.stringify(row[field]))).size < rows.length;
}

function referToPath(field: string): string {
  return referTo(field).slice(3, -3);
}
