import { escapeControlCharacters } from "#src/dashboard/web/components/escape-control-characters.ts";
import { diffWords } from "#src/dashboard/web/report/diff-words.ts";

/** A text of a user or a model, as a block. What differs from `reference` is highlighted. */
export function LongText({ value, reference }: { value: string; reference?: string | undefined }) {
  if (reference === undefined) return <pre class="raw-text">{escapeControlCharacters(value)}</pre>;
  return (
    <pre class="raw-text">
      {diffWords(value, reference).map(({ text, isDifferent }, i) => {
        const shown = escapeControlCharacters(text);
        return isDifferent ? <mark key={i}>{shown}</mark> : shown;
      })}
    </pre>
  );
}
