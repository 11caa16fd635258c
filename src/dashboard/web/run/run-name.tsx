import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";

/** Name and id of the run that a dialog is about. */
export function RunName({ run }: { run: Pick<RunPage, "run" | "name"> }) {
  return (
    <p>
      <strong>
        <UntrustedText value={run.name ?? run.run} />
      </strong>{" "}
      <UntrustedText value={run.run} isMonospace />
    </p>
  );
}
