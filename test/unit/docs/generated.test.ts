import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PROVIDER_ERROR_KINDS } from "#src/core/failures/errors.ts";
import { fillGeneratedParts, GENERATED_PAGES } from "../../../scripts/generate-docs/pages.ts";

const root = join(import.meta.dirname, "../../..");
const errors = readFileSync(join(root, "docs/errors.md"), "utf8");

for (const page of GENERATED_PAGES) {
  test(`the generated parts of ${page} are up to date (npm run docs)`, () => {
    const text = readFileSync(join(root, page), "utf8");
    expect(fillGeneratedParts(text)).toBe(text);
  });
}

test("every kind of error has a row that says what to do", () => {
  for (const kind of [...PROVIDER_ERROR_KINDS, "crash-loop", "cancelled", "expired"])
    expect(errors).toMatch(new RegExp(`^\\| \`${kind}\` \\|(?: [^|]+\\|){3}`, "m"));
});

test("every code of the dashboard's API has a row", () => {
  const source = readFileSync(join(root, "src/dashboard/http/http-error.ts"), "utf8");
  const [, table = ""] = /STATUS_BY_CODE[^{]*\{([^}]*)\}/.exec(source) ?? [];
  const codes = [...table.matchAll(/^\s+"?([\w-]+)"?: \d+/gm)].map(([, code = ""]) => code);
  expect(codes.length).toBeGreaterThan(10);
  for (const code of codes) expect(errors).toContain(`\`${code}\``);
});
