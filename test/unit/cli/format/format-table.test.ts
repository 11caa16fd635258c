import { describe, expect, it } from "vitest";
import { formatTable } from "#src/cli/format/format-table.ts";

describe("formatTable", () => {
  const columns = [{ title: "run" }, { title: "items", align: "right" }, { title: "source", maxWidth: 8 }] as const;

  it("aligns words on the left and numbers on the right, in any script", () => {
    const table = formatTable(columns, [
      ["r1", "1,234", "docs"],
      ["汉字", "5", "a long folder name"],
    ]);
    expect(`\n${table}\n`).toBe(`
run   items  source
r1    1,234  docs
汉字      5  a long…
`);
  });

  it("truncates lines to the width of the terminal and sanitizes cells", () => {
    expect(formatTable([{ title: "id" }], [["\u001b[2Jlong identifier"]], { width: 6 })).toBe("id\nlong…");
  });

  it("prints only the headings if there are no rows", () => {
    expect(formatTable(columns, [])).toBe("run  items  source");
  });
});
