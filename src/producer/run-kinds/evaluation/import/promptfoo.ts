import { extname, resolve } from "node:path";
import { formatPath } from "#src/core/describe-path.ts";
import { parseExpected, translateAssertion } from "./promptfoo-assertions.ts";
import { readPrompts, readReferencedText } from "./promptfoo-prompts.ts";
import { readProviders } from "./promptfoo-providers.ts";
import { readTestFile } from "./promptfoo-test-files.ts";
import {
  asRecord,
  type ForeignFile,
  readFileReference,
  type TranslatedCheck,
  type Translation,
  toText,
} from "./translation.ts";

type Mapping = Readonly<Record<string, unknown>>;
type Path = readonly PropertyKey[];

/** A test of the configuration, and where it is. */
export interface FoundTest {
  readonly test: Mapping;
  readonly path: Path;
  /** File and line of a test in another file. */
  readonly where?: string;
}

/** Sections that say how promptfoo runs and shows an evaluation, but not what is scored. */
const IGNORED = [
  "description",
  "tags",
  "outputPath",
  "sharing",
  "writeLatestResults",
  "metadata",
  "assertionTemplates",
  "$schema",
  "commandLineOptions",
  "evaluateOptions",
];
const TRANSLATED = ["prompts", "providers", "targets", "tests", "defaultTest"];
const TEST_FIELDS = ["vars", "assert", "description", "metadata", "threshold"];

export function isPromptfoo(content: Mapping): boolean {
  return (
    "prompts" in content &&
    ("providers" in content || "targets" in content || "tests" in content) &&
    !("datasets" in content)
  );
}

/** Tests become rows with their variables as fields, and their assertions as checks. */
export async function translatePromptfoo(file: ForeignFile): Promise<Translation> {
  const { content, problems } = file;
  for (const key of Object.keys(content))
    if (![...IGNORED, ...TRANSLATED].includes(key)) problems.add([key], "not supported by Sluice");
  const repeat = asRecord(content.evaluateOptions)?.repeat;
  const tests = await readTests(file);
  const defaults = asRecord(content.defaultTest) ?? {};
  for (const key of Object.keys(defaults))
    if (!TEST_FIELDS.includes(key)) problems.add(["defaultTest", key], "not supported in tests");
  if (typeof content.defaultTest === "string") problems.add(["defaultTest"], "files are not supported here");
  const rows = tests.flatMap((found) => toRows(file, found, defaults));
  const names = new Set(rows.flatMap(({ vars }) => Object.keys(vars)));
  // A variable that a test does not have is empty in promptfoo.
  const blank = Object.fromEntries([...names].map((name) => [name, ""]));
  return {
    content: {
      name: file.name,
      prompts: readPrompts(file),
      models: readProviders(file),
      ...(typeof repeat === "number" ? { samples: repeat } : {}),
      scorers: { passed: { type: "checks", field: CHECKS } },
    },
    rows: rows.map(({ vars, checks }, i) => ({ ...blank, ...vars, [ID]: `test-${i + 1}`, [CHECKS]: checks })),
  };
}

/** Fields of the rows beside the variables. */
const CHECKS = "__checks";
export const ID = "__id";

interface TestRow {
  readonly vars: Mapping;
  readonly checks:
    | readonly TranslatedCheck[]
    | { readonly checks: readonly TranslatedCheck[]; readonly threshold: number };
}

function toRows(file: ForeignFile, { test, path, where }: FoundTest, defaults: Mapping): TestRow[] {
  const { problems, folder, content } = file;
  const report = (at: Path, message: string) =>
    where === undefined
      ? problems.add([...path, ...at], message)
      : problems.addAt(where, at.length === 0 ? message : `${formatPath(at)}: ${message}`);
  for (const key of Object.keys(test)) if (!TEST_FIELDS.includes(key)) report([key], "not supported in tests");
  const threshold = test.threshold ?? defaults.threshold;
  const own = {
    list: listAssertions(test.assert, content),
    report: (i: number, text: string) => report(["assert", i], text),
  };
  const shared = {
    list: listAssertions(defaults.assert, content),
    report: (i: number, text: string) => problems.add(["defaultTest", "assert", i], text),
  };
  return expandVars({ ...asRecord(defaults.vars), ...asRecord(test.vars) }).flatMap((given) => {
    const vars = readVars(given, folder, (name, message) => report(["vars", name], message));
    const checks = [shared, own].flatMap((group) =>
      group.list.flatMap(({ assertion, index }) => {
        const check = translateAssertion(assertion, { vars, folder });
        if (typeof check !== "string") return [check];
        group.report(index, check);
        return [];
      }),
    );
    if (checks.length === 0) {
      report([], "no assertion of this test can be checked");
      return [];
    }
    return [{ vars, checks: typeof threshold === "number" ? { checks, threshold } : checks }];
  });
}

interface ListedAssertion {
  readonly assertion: Mapping;
  /** In the list of the file. */
  readonly index: number;
}

/** Resolves references to templates, and sets in which all assertions must pass. */
function listAssertions(list: unknown, content: Mapping): ListedAssertion[] {
  return (Array.isArray(list) ? list : []).flatMap((one, index): ListedAssertion[] => {
    const assertion = asRecord(one) ?? {};
    const { $ref: reference, type, threshold, assert: nested } = assertion;
    if (typeof reference === "string") {
      const steps = reference.replace(/^#\//, "").split("/");
      const found = steps.reduce<unknown>((value, step) => asRecord(value)?.[step], content);
      return [{ assertion: asRecord(found) ?? { type: reference }, index }];
    }
    if (type !== "assert-set" || threshold !== undefined) return [{ assertion, index }];
    return listAssertions(nested, content).map((inner) => ({ ...inner, index }));
  });
}

/** A test per combination of the values in lists. */
function expandVars(vars: Mapping): Mapping[] {
  return Object.entries(vars).reduce<Mapping[]>(
    (rows, [name, value]) =>
      rows.flatMap((row) => (isTextList(value) ? value : [value]).map((one) => ({ ...row, [name]: one }))),
    [{}],
  );
}

/** Other lists are one value. */
function isTextList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && typeof value[0] === "string";
}

function readVars(vars: Mapping, folder: string, report: (name: string, message: string) => void): Mapping {
  const entries = Object.entries(vars).map(([name, value]) => {
    const path = readFileReference(value);
    if (path === undefined) return [name, value];
    if (!/\.(?:txt|md|json|ya?ml|html|csv)$/.test(path)) {
      report(name, `only texts in files are supported, not ${extname(path) || "this one"}`);
      return [name, ""];
    }
    const text = readReferencedText(resolve(folder, path));
    if (typeof text === "string") return [name, text.trimEnd()];
    report(name, text.problem);
    return [name, ""];
  });
  return Object.fromEntries(entries);
}

async function readTests({ content, folder, problems }: ForeignFile): Promise<FoundTest[]> {
  const { tests = [{}] } = content;
  const list = Array.isArray(tests) ? tests : [tests];
  const found: FoundTest[] = [];
  for (const [i, test] of list.entries()) {
    const path = Array.isArray(tests) ? ["tests", i] : ["tests"];
    const given = typeof test === "string" ? { path: test } : asRecord(test);
    if (given && typeof given.path === "string") {
      const read = await readTestFile(resolve(folder, readFileReference(given.path) ?? given.path), toCsvTest);
      if ("tests" in read) found.push(...read.tests.map((one) => ({ ...one, path })));
      else problems.add(path, read.problem);
    } else if (given) found.push({ test: given, path });
    else problems.add(path, "expected a test");
  }
  return found;
}

/** Columns are variables, except those with "__". */
function toCsvTest(row: Mapping): Mapping {
  const entries = Object.entries(row);
  const vars = entries.filter(([name]) => !name.startsWith("__"));
  const expected = entries.filter(([name, value]) => /^__expected\d*$/.test(name) && toText(value) !== "");
  const threshold =
    row.__threshold === undefined || row.__threshold === "" ? {} : { threshold: Number(row.__threshold) };
  const others = entries.filter(([name]) => /^__(?!expected\d*$|threshold$|description$|metadata:|metric$)/.test(name));
  return {
    ...{ vars: Object.fromEntries(vars), ...threshold, ...Object.fromEntries(others) },
    assert: expected.map(([, value]) => parseExpected(toText(value))),
  };
}
