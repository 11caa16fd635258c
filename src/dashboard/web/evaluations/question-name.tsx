import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import type { Question } from "./summarize-evaluations.ts";

/** Characters of a hash that tell files apart. */
const HASH_CHARACTERS = 8;

/** "questions, accuracy", with the prompt if it has a name of its own, and the hash of contents that are not the only ones. */
export function QuestionName({ question }: { question: Question }) {
  const { dataset, datasetHash, prompt, scorer, hasOtherContents } = question;
  return (
    <>
      <UntrustedText value={`${dataset}, ${scorer}`} />
      {prompt === "default" && !hasOtherContents ? null : (
        <span class="secondary">
          {prompt === "default" ? null : <UntrustedText value={translations.value.evaluations.prompt(prompt)} />}{" "}
          {hasOtherContents ? <UntrustedText value={datasetHash.slice(0, HASH_CHARACTERS)} isMonospace /> : null}
        </span>
      )}
    </>
  );
}
