import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { UntrustedText } from "./untrusted-text.tsx";

/** A kind of failure in the reader's language; one that has no word here is shown as it came. */
export function ErrorKindLabel({ kind }: { kind: string }) {
  const translation = Object.hasOwn(translations.value.kinds, kind) ? translations.value.kinds[kind] : undefined;
  return translation ?? <UntrustedText value={kind} />;
}
