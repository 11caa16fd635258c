/** What users call a run. An absent field is not changed; an empty text removes it. */
export interface RunLabel {
  readonly name?: string;
  readonly note?: string;
}

const MAX_NAME_LENGTH = 60;
const MAX_NOTE_LENGTH = 1_000;

/** Why a text cannot be the name of a run; undefined if it can. A name is one word, unlike a path and unlike an id. Pure. */
export function findNameProblem(name: string): string | undefined {
  if (name.length > MAX_NAME_LENGTH) return `expected at most ${MAX_NAME_LENGTH} characters`;
  if (!/^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]*$/u.test(name)) {
    return "expected letters, digits, dots, hyphens, and underscores, starting with a letter or a digit";
  }
  return /^[a-z]-\d{8}-[a-z0-9]{8}$/.test(name) ? "it looks like the id of a run" : undefined;
}

/** Why a text cannot be the note of a run; undefined if it can. Pure. */
export function findNoteProblem(note: string): string | undefined {
  if (note.length > MAX_NOTE_LENGTH) return `expected at most ${MAX_NOTE_LENGTH} characters`;
  return /[\p{Cc}\p{Cs}]/u.test(note) ? "expected one line without control characters" : undefined;
}
