import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { UntrustedText } from "./untrusted-text.tsx";

/** A server message, localized by its code when possible. */
export function ServerMessage({ code, text }: { code: string | undefined; text: string }) {
  return <>{localizeReason(code) ?? <UntrustedText value={text} />}</>;
}

/** The translation of a server message by its code; undefined if there is none. */
export function localizeReason(code: string | undefined): string | undefined {
  const { reasons } = translations.value;
  return code !== undefined && Object.hasOwn(reasons, code) ? reasons[code] : undefined;
}
