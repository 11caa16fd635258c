import { translations } from "../words/words.ts";
import { UntrustedText } from "./text.tsx";

/** A kind of failure in the reader's language; one that has no word here is shown as it came. */
export function ErrorKindLabel({ kind }: { kind: string }) {
  const translation = Object.hasOwn(translations.value.kinds, kind)
    ? translations.value.kinds[kind]
    : undefined;
  return translation ?? <UntrustedText value={kind} />;
}
