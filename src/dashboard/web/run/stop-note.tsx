import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import { ServerMessage } from "#src/dashboard/web/components/server-message.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

/** Why a run has stopped, and how to resume it; nothing while it has a coordinator. */
export function StopNote({ page: { phase, stopped, outputPending, refusals, folder } }: { page: RunPage }) {
  const t = translations.value.run.stopped;
  if (phase === "cancelled" && outputPending)
    return (
      <div class="note warning">
        <p>{t.outputPending}</p>
        <Command command={outputPending.command} host={folder.host} />
      </div>
    );
  if (phase !== "stopped" || stopped === undefined) return null;
  const { code, message, hint = "", command } = stopped;
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
      {refusals.window === undefined ? null : <p>{t.locked}</p>}
      <Command command={command} host={folder.host} />
    </div>
  );
}

function Command({ command, host = "" }: { command: string | undefined; host: string | undefined }) {
  if (command === undefined) return null;
  return (
    <p>
      <span class="muted">
        {translations.value.run.stopped.command} <UntrustedText value={host} />
      </span>
      <br />
      <code>
        <UntrustedText value={command} />
      </code>
    </p>
  );
}
