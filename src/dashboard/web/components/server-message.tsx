import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { UntrustedText } from "./untrusted-text.tsx";

/** A sentence of the server: in the reader's language where its code has words there, else as it came. */
export function ServerMessage({ code, text }: { code: string | undefined; text: string }) {
  return <>{localizeReason(code) ?? <UntrustedText value={text} />}</>;
}

/** The reader's words for a code of the server; undefined where there are none. */
export function localizeReason(code: string | undefined): string | undefined {
  const { reasons } = translations.value;
  return code !== undefined && Object.hasOwn(reasons, code) ? reasons[code] : undefined;
}
