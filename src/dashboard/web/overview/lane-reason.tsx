import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import { ErrorKindLabel } from "#src/dashboard/web/components/error-kind-label.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";

/** Why a lane is snoozed or parked: the localized error kind, then the provider's message. */
export function LaneReason({ reason, reasonKind }: Pick<LaneView, "reason" | "reasonKind">) {
  if (reason === undefined) return null;
  if (reasonKind === undefined || !reason.startsWith(reasonKind)) return <UntrustedText value={reason} />;
  const rest = reason.slice(reasonKind.length).replace(/^: /, "");
  return (
    <>
      <ErrorKindLabel kind={reasonKind} />
      {rest === "" ? null : (
        <>
          {": "}
          <UntrustedText value={rest} />
        </>
      )}
    </>
  );
}
