import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { parse } from "yaml";
import { describeReadError } from "#src/core/describe-path.ts";
import { readRecords } from "./read-records.ts";
import { asRecord } from "./translation.ts";

type Mapping = Readonly<Record<string, unknown>>;

export interface TestsOfFile {
  readonly tests: readonly { readonly test: Mapping; readonly where: string }[];
}

/** Tests in a CSV, JSONL, JSON, or YAML file, or why there are none. */
export async function readTestFile(
  path: string,
  toTest: (row: Mapping) => Mapping,
): Promise<TestsOfFile | { readonly problem: string }> {
  const kind = extname(path);
  if (kind === ".csv" || kind === ".jsonl") {
    const read = await readRecords(path);
    if ("problem" in read) return read;
    return {
      tests: read.records.map(({ fields, where }) => ({ test: kind === ".csv" ? toTest(fields) : fields, where })),
    };
  }
  if (![".json", ".yaml", ".yml"].includes(kind))
    return { problem: "tests are supported in .csv, .jsonl, .json, and .yaml files" };
  try {
    const list: unknown = parse(readFileSync(path, "utf8"), { logLevel: "silent" });
    const tests = Array.isArray(list) ? list.map(asRecord) : [];
    if (tests.length === 0 || tests.includes(undefined)) return { problem: "the file contains no list of tests" };
    return { tests: tests.flatMap((test, i) => (test ? [{ test, where: `${path}: test ${i + 1}` }] : [])) };
  } catch (error) {
    return { problem: `the file cannot be read: ${describeReadError(error)}` };
  }
}
