import type { RunPage } from "../../contract.ts";
import { Said } from "../parts/said.tsx";
import { Text } from "../parts/text.tsx";
import { words } from "../words/words.ts";

/** Why a run stands still for good, and how to go on with it; nothing while some process feeds it. */
export function StopNote({ page: { phase, stopped, unwritten, refusals } }: { page: RunPage }) {
  const w = words.value.run.stopped;
  if (phase === "cancelled" && unwritten)
    return (
      <div class="note warn">
        <p>{w.unwritten}</p>
        <Command command={unwritten.command} />
      </div>
    );
  if (phase !== "stopped" || stopped === undefined) return null;
  const { code, message, mend = "", command } = stopped;
  const isFast = refusals.resume !== undefined || refusals.window !== undefined;
  return (
    <div class="note bad">
      <p>
        <strong>
          <Said code={code} text={message} />
        </strong>
      </p>
      <p>
        <Said code={code && `${code}-mend`} text={mend} /> {isFast ? w.untilThen : null}
      </p>
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
          <Text value={command} />
        </code>
      </p>
      <p class="soft">{words.value.run.stopped.options}</p>
    </>
  );
}
