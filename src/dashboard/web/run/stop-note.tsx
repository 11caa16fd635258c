import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import { ServerMessage } from "#src/dashboard/web/components/server-message.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

/** Why a run has stopped, and how to resume it; nothing while it has a coordinator. */
export function StopNote({ page: { phase, stopped, outputPending, refusals } }: { page: RunPage }) {
  const t = translations.value.run.stopped;
  if (phase === "cancelled" && outputPending)
    return (
      <div class="note warning">
        <p>{t.outputPending}</p>
        <Command command={outputPending.command} />
      </div>
    );
  if (phase !== "stopped" || stopped === undefined) return null;
  const { code, message, hint = "", command } = stopped;
  const isLocked = refusals.resume !== undefined || refusals.window !== undefined;
  return (
    <div class="note error">
      <p>
        <strong>
          <ServerMessage code={code} text={message} />
        </strong>
      </p>
      <p>
        <ServerMessage code={code && `${code}-hint`} text={hint} />
      </p>
      {isLocked ? <p>{t.locked}</p> : null}
      <Command command={command} />
    </div>
  );
}

function Command({ command }: { command: string | undefined }) {
  if (command === undefined) return null;
  return (
    <>
      <p>
        <code>
          <UntrustedText value={command} />
        </code>
      </p>
      <p class="muted">{translations.value.run.stopped.otherOptions}</p>
    </>
  );
}
