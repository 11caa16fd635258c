import type { RunPage } from "../../contract.ts";
import { Text } from "../parts/text.tsx";
import { words } from "../words/words.ts";

/** Why a run stands still for good, and how to go on with it; nothing while some process feeds it. */
export function StopNote({ page }: { page: RunPage }) {
  const w = words.value.run.stopped;
  const { stopped } = page;
  if (page.phase === "cancelled" && page.unwritten)
    return (
      <div class="note warn">
        <p>{w.unwritten}</p>
        <Command command={page.unwritten.command} />
      </div>
    );
  if (page.phase !== "stopped") return null;
  const isTold =
    stopped !== undefined && stopped.code === undefined ? stopped.message !== "" : stopped?.code === "told";
  const { resume, window } = page.refusals;
  return (
    <div class="note bad">
      <p>
        {isTold ? (
          <Text value={stopped?.message ?? ""} />
        ) : stopped?.code === "interrupted" ? (
          w.interrupted
        ) : (
          w.killed
        )}
      </p>
      {isTold && stopped?.mend !== undefined ? (
        <p>
          <Text value={stopped.mend} />
        </p>
      ) : null}
      <p>
        {w.goOn} {resume === undefined && window === undefined ? null : w.untilThen}
      </p>
      <Command command={stopped?.command} />
    </div>
  );
}

function Command({ command }: { command: string | undefined }) {
  if (command === undefined) return null;
  return (
    <p>
      <code>
        <Text value={command} />
      </code>{" "}
      <span class="small soft">{words.value.run.stopped.options}</span>
    </p>
  );
}
