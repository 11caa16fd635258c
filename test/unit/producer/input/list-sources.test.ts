import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listSources } from "#src/producer/input/list-sources.ts";
import { SourceFolder } from "#test/support/runs/source-folder.ts";

const list = (folder: SourceFolder, paths: readonly string[], exclude?: readonly string[]) =>
  listSources({ paths, cwd: folder.path, ...(exclude === undefined ? {} : { exclude }) });

test("a folder is read with its subfolders in the order of character codes, hidden names and node_modules left out", async () => {
  using folder = new SourceFolder();
  for (const name of ["b.md", "B.md", "a/z.txt", "a-b.md", ".git/x.md", ".x.md", "node_modules/p/README.md", "é.md"]) {
    folder.write(`docs/${name}`, "text");
  }
  folder.write("docs/picture.png", "x");
  const { files, skippedFiles, problems } = await list(folder, ["docs"]);
  expect(files.map((file) => file.name)).toEqual(["B.md", "a-b.md", "a/z.txt", "b.md", "é.md"]);
  expect(files[2]).toMatchObject({ displayPath: "docs/a/z.txt", kind: "text", size: 4 });
  expect(skippedFiles).toBe(1);
  expect(problems).toEqual([]);
});

test("node_modules is read when the path names it, packages within packages included", async () => {
  using folder = new SourceFolder();
  folder.write("node_modules/a/README.md", "a");
  folder.write("node_modules/a/node_modules/b/README.md", "b");
  folder.write("node_modules/.cache/c.md", "c");
  const { files } = await list(folder, ["node_modules"]);
  expect(files.map((file) => file.name)).toEqual(["a/README.md", "a/node_modules/b/README.md"]);
  const globbed = await list(folder, ["node_modules/*/*.md"]);
  expect(globbed.files.map((file) => file.displayPath)).toEqual(["node_modules/a/README.md"]);
});

test("a glob names files relative to the part before its first wildcard", async () => {
  using folder = new SourceFolder();
  for (const name of ["in/a/1.md", "in/b/2.md", "in/b/3.png", "in/.h/4.md"]) folder.write(name, "text");
  const { files, skippedFiles } = await list(folder, ["in/**/*"]);
  expect(files.map((file) => [file.name, file.displayPath])).toEqual([
    ["a/1.md", "in/a/1.md"],
    ["b/2.md", "in/b/2.md"],
  ]);
  expect(skippedFiles).toBe(1);
  const absolute = await list(folder, [`${folder.path}/in/{a,b}/*.md`]);
  expect(absolute.files.map((file) => file.name)).toEqual(["a/1.md", "b/2.md"]);
});

test("a file whose name looks like a glob is that file", async () => {
  using folder = new SourceFolder();
  folder.write("a[1].md", "text");
  folder.write("a1.md", "text");
  expect((await list(folder, ["a[1].md"])).files.map((file) => file.name)).toEqual(["a[1].md"]);
});

test("a file meant twice is listed once, where it was meant first", async () => {
  using folder = new SourceFolder();
  folder.write("docs/a.md", "a");
  folder.write("docs/b.md", "b");
  const { files } = await list(folder, ["docs/b.md", "docs", "./docs/a.md", "docs/*.md"]);
  expect(files.map((file) => file.name)).toEqual(["b.md", "a.md"]);
});

test("files of the same name in two folders are called by the paths as typed", async () => {
  using folder = new SourceFolder();
  folder.write("x/README.md", "x");
  folder.write("y/README.md", "y");
  const { files } = await list(folder, ["./x", "y"]);
  expect(files.map((file) => file.name)).toEqual(["x/README.md", "y/README.md"]);
});

test("a named file of unknown extension is text when its bytes are, and a problem when they are binary", async () => {
  using folder = new SourceFolder();
  folder.write("notes.log", "plain words");
  folder.write("cut.log", `${"x".repeat(8191)}é`);
  folder.write("photo.raw", Uint8Array.of(1, 0, 2, 0));
  const { files, problems } = await list(folder, ["notes.log", "cut.log", "photo.raw"]);
  expect(files.map((file) => [file.name, file.kind])).toEqual([
    ["notes.log", "text"],
    ["cut.log", "text"],
  ]);
  expect(problems).toMatchObject([{ where: "photo.raw", message: expect.stringMatching(/^is neither a text file/) }]);
  const globbed = await list(folder, ["*.log"]);
  expect(globbed.files.map((file) => file.name)).toEqual(["cut.log", "notes.log"]);
});

test("paths that mean nothing are one problem each", async () => {
  using folder = new SourceFolder();
  mkdirSync(join(folder.path, "empty"));
  folder.write("pictures/a.png", "x");
  symlinkSync("loop", join(folder.path, "loop"));
  const { problems } = await list(folder, ["gone.md", "empty", "pictures", "*.md", "loop", "-", "-", "gone/*.md"]);
  expect(problems.map(({ where, message }) => `${where}: ${message.split(". Supported")[0]}`)).toEqual([
    "gone.md: no such file or folder",
    "empty: is empty",
    "pictures: contains no supported file (1 others)",
    "*.md: matches no file",
    "loop: cannot be read: a loop of symbolic links",
    "-: standard input can be read only once",
    "gone/*.md: matches no file",
  ]);
});

test("links are followed, but not back up and not into nothing", async () => {
  using folder = new SourceFolder();
  folder.write("docs/a.md", "a");
  folder.write("elsewhere/deep/b.md", "b");
  symlinkSync("../elsewhere", join(folder.path, "docs/linked"));
  symlinkSync("..", join(folder.path, "elsewhere/deep/up"));
  symlinkSync("nowhere", join(folder.path, "docs/dangling.md"));
  const { files, skippedFiles } = await list(folder, ["docs"]);
  expect(files.map((file) => file.name)).toEqual(["a.md", "linked/deep/b.md"]);
  expect(skippedFiles).toBe(2);
});

test("an output folder inside a source folder is not read", async () => {
  using folder = new SourceFolder();
  folder.write("docs/a.md", "a");
  folder.write("docs/out/records.jsonl", "{}");
  for (const paths of [["docs"], ["docs/**/*"]]) {
    const { files } = await list(folder, paths, ["docs/out"]);
    expect(files.map((file) => file.name)).toEqual(["a.md"]);
  }
});

test.skipIf(process.getuid?.() === 0)("a folder within that may not be listed is a problem of its own", async () => {
  using folder = new SourceFolder();
  folder.write("docs/a.md", "a");
  folder.write("docs/closed/b.md", "b");
  chmodSync(join(folder.path, "docs/closed"), 0);
  const { files, problems } = await list(folder, ["docs"]);
  chmodSync(join(folder.path, "docs/closed"), 0o700);
  expect(files.map((file) => file.name)).toEqual(["a.md"]);
  expect(problems).toEqual([{ where: "docs/closed", message: "cannot be read: permission denied" }]);
});

test("the output folder and what lies in it are refused as sources by name", async () => {
  using folder = new SourceFolder();
  folder.write("out/records.jsonl", "{}");
  folder.write("docs/a.md", "text");
  const { files, problems } = await list(folder, ["out", "out/records.jsonl", "docs"], ["out"]);
  expect(files.map((file) => file.displayPath)).toEqual(["docs/a.md"]);
  expect(problems).toEqual([
    { where: "out", message: "is the output folder or is inside it" },
    { where: "out/records.jsonl", message: "is the output folder or is inside it" },
  ]);
});

test("folders that link to each other are listed once each, in folders and globs", async () => {
  using folder = new SourceFolder();
  const names = Array.from({ length: 8 }, (_, n) => `d${n}`);
  for (const name of names) folder.write(`mesh/${name}/f.md`, "x");
  for (const name of names)
    for (const other of names) symlinkSync(`../${other}`, join(folder.path, "mesh", name, `to-${other}`));
  const expected = names.map((name) => `${name}/f.md`);
  for (const path of ["mesh", "mesh/**/*.md"]) {
    const { files, problems } = await listSources({ paths: [path], cwd: folder.path });
    expect(files.map((file) => file.name)).toEqual(expected);
    expect(problems).toEqual([]);
  }
  // Links that a pattern names are followed.
  const { files } = await listSources({ paths: ["mesh/d0/to-d?/*.md"], cwd: folder.path });
  expect(files.map((file) => file.name)).toEqual(names.map((name) => `to-${name}/f.md`));
});
