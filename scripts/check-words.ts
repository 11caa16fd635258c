// Finds words in code, texts and docs that the glossary (docs/glossary.md) replaces with standard terms.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const USAGE = `usage: node scripts/check-words.ts [--root DIR] [--count]

Lists every use of a replaced word as "FILE:LINE: WORD -> TERM". Identifiers are split into words first, so "openDoor"
contains "door".

  --root DIR   check another checkout
  --count      print only the number of uses, and exit with code 0
  -h, --help   show this help
Exit code: 0 if there are no uses, otherwise 1.`;

/** Replaced word (a regular expression that matches a whole lower-case word) -> the term to use. */
const REPLACED_WORDS: readonly (readonly [word: string, term: string])[] = [
  ["mend(s|ed|ing)?", "hint, or fix"],
  ["desks?", "service"],
  ["doors?", "auth"],
  ["spool(s|ed)?", "run database"],
  ["sift(s|ed|ing)?", "resolve"],
  ["told", "reported, pushed, notified"],
  ["whoever", "the caller, the user, a process that ..."],
  ["anew", "again"],
  ["aloud", "with a warning"],
  ["aside", "in a child process, separately"],
  ["keepers?", "supervisor"],
  ["attendance", "worker guard"],
  ["shops?|workshops?", "sandbox"],
  ["figures?", "stats, metrics, values"],
  ["strangers?", "foreign files"],
  ["unshare", "break the hard link"],
  ["livel(y|ier|iest)", "active"],
];

/** Replaced phrase (a regular expression that matches part of a lower-case line) -> the term to use. */
const REPLACED_PHRASES: readonly (readonly [phrase: string, term: string])[] = [
  ["\\b(?!note|hand|run|cook)[a-z]+book\\b", "cache, registry, state"],
  ["\\blooks? at (lanes?|redis)\\b", "reads the status of"],
  ["\\bhand(s|ed)?[ -]?backs?\\b", "return to the queue"],
  ["\\bgiv(e|es|en|ing) back\\b", "return, release"],
  ["\\bt(ake|akes|aken|ook) back\\b", "reset, revert"],
  ["\\bput(s|ting)? back\\b", "requeue"],
  ["\\bgoes on where\\b", "resumes where"],
  ["\\bsaid so\\b", "with a warning"],
  ["\\bis none of\\b", "is not"],
  ["\\bnobody noted\\b", "not recorded"],
  ["\\blast words\\b", "tail of stderr"],
  ["\\bfair line\\b", "fair queue"],
  ["\\bheld work\\b", "run state watcher"],
  ["\\bjob ticket\\b", "job completion"],
];

/** Permitted uses, with the reason. */
const ALLOWED: readonly { readonly file: RegExp; readonly use: RegExp; readonly reason: string }[] = [
  { file: /^scripts\/check-words\.ts$/, use: /.*/, reason: "this list" },
  {
    file: /^src\/dashboard\/web\/(chart\/chart\.tsx|report\/charts\/chart-frame\.tsx|style\/base\.css)$|^test\/e2e\/dashboard\/evaluations\.test\.ts$/,
    use: /\bfigure\b/,
    reason: "the HTML element",
  },
  {
    file: /^(src\/producer\/input\/formats\/html-to-text|test\/unit\/producer\/input\/read-source\.test)\.ts$/,
    use: /^(figure|aside)$/,
    reason: "HTML elements",
  },
  { file: /^CHANGELOG\.md$/, use: /.*/, reason: "names of earlier versions" },
  {
    file: /^src\/producer\/search\/top-k\.ts$/,
    use: /^sift$/,
    reason: "the standard term of heaps: sift up, sift down",
  },
  {
    file: /^src\/redis\/private-server\/socket-client\.ts$/,
    use: /^keeper$/,
    reason: "the connection name of the supervisor of the previous version",
  },
];

const RULES = [
  ...REPLACED_WORDS.map(([word, term]) => ({ pattern: new RegExp(`(?<= )(${word})(?= )`), term })),
  ...REPLACED_PHRASES.map(([phrase, term]) => ({ pattern: new RegExp(`(${phrase})`), term })),
];

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h" },
    count: { type: "boolean" },
    root: { type: "string", default: fileURLToPath(new URL("..", import.meta.url)) },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const uses = listFiles().flatMap((file) => findUses(file, readFileSync(`${values.root}/${file}`, "utf8")));
if (values.count) console.log(uses.length);
else {
  for (const use of uses) console.log(use);
  if (uses.length > 0) process.exitCode = 1;
}

function listFiles(): string[] {
  const patterns = [
    "src",
    "test",
    "scripts",
    "bin",
    "docs",
    "deploy",
    ".github",
    "*.md",
    "*.yaml",
    "*.yml",
    ".env.example",
  ];
  const listed = execFileSync("git", ["ls-files", "--", ...patterns], { cwd: values.root, encoding: "utf8" });
  return listed.split("\n").filter((file) => /\.(tsx?|js|lua|css|html|sh|md|ya?ml|json|example)$/.test(file));
}

function findUses(file: string, text: string): string[] {
  const allowed = ALLOWED.filter((one) => one.file.test(file));
  return text.split("\n").flatMap((line, index) => {
    const sentence = ` ${splitIntoWords(line).join(" ")} `;
    return RULES.flatMap(({ pattern, term }) => {
      const use = pattern.exec(sentence)?.[1] ?? pattern.exec(line.toLowerCase())?.[1];
      if (use === undefined || allowed.some((one) => one.use.test(use))) return [];
      return [`${file}:${index + 1}: ${use} -> ${term}`];
    });
  });
}

/** "openDoor(HELD_WORK)" -> open, door, held, work */
function splitIntoWords(line: string): string[] {
  return line
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z]+/)
    .filter((word) => word !== "")
    .map((word) => word.toLowerCase());
}
