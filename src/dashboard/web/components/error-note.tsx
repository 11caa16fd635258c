import { ServerError } from "#src/dashboard/web/api-client/request-api.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { localizeReason } from "./server-message.tsx";
import { UntrustedText } from "./untrusted-text.tsx";

/** A localized error, followed by the details that the server sent. */
export function ErrorNote({ error }: { error: unknown }) {
  const known = error instanceof ServerError ? translations.value.errors[error.code] : undefined;
  return (
    <div class="note error" role="alert">
      <p>{known ?? translations.value.errors.internal}</p>
      {error instanceof ServerError && error.code !== "unreachable" ? (
        <p class="small">{describeDetails(error)}</p>
      ) : null}
    </div>
  );
}

function describeDetails({ code, reason, message, hint }: ServerError) {
  return (
    localizeReason(reason) ??
    localizeReason(code) ?? <UntrustedText value={[message, hint].filter(Boolean).join(" ")} />
  );
}
