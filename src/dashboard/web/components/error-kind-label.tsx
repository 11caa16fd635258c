import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { UntrustedText } from "./untrusted-text.tsx";

/** A localized error kind; a kind without a translation is shown as it is. */
export function ErrorKindLabel({ kind }: { kind: string }) {
  const translation = Object.hasOwn(translations.value.kinds, kind) ? translations.value.kinds[kind] : undefined;
  return translation ?? <UntrustedText value={kind} />;
}
