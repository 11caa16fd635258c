import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { UntrustedText } from "./untrusted-text.tsx";

/** The explanation of a failure and, if there is one, the provider's own message with the parameter that it names. */
export function FailureMessage({
  message,
  providerMessage,
  param,
}: {
  message: string;
  providerMessage?: string;
  param?: string;
}) {
  const t = translations.value.common;
  return (
    <>
      <UntrustedText value={message} />{" "}
      {providerMessage === undefined ? null : (
        <span class="secondary">
          {t.providerSays}{" "}
          <UntrustedText value={param === undefined ? providerMessage : `${providerMessage} (${param})`} />
        </span>
      )}
    </>
  );
}
