import type { RunAction, RunActionResult, RunPage } from "../../contract.ts";
import { show } from "../format/show.ts";
import { ask } from "../parts/dialog.tsx";
import { Text } from "../parts/text.tsx";
import { askServer } from "../server/ask-server.ts";
import { mayAct } from "../server/session.ts";
import { words } from "../words/words.ts";
import { askToRetry } from "./ask-to-retry.tsx";

/** What can be done with the run now, by somebody who may act. */
export function RunActions({ page }: { page: RunPage }) {
  if (!mayAct()) return null;
  const w = words.value.run;
  const isStopped = page.phase === "stopped";
  // What a pause asks for, nobody would do.
  const can = (action: RunAction) => page.actions.includes(action) && !(isStopped && action === "pause");
  return (
    <div class="actions">
      {can("pause") ? (
        <button type="button" class="button" onClick={() => askTo("pause", page)}>
          {w.pause}
        </button>
      ) : null}
      {can("resume") ? (
        <button type="button" class="button primary" onClick={() => askTo("resume", page)}>
          {w.resume}
        </button>
      ) : null}
      {can("window") ? (
        <button type="button" class="button" onClick={() => askForWindow(page)}>
          {w.changeWindow}
        </button>
      ) : null}
      {can("retry") ? (
        <button
          type="button"
          class="button"
          onClick={() => askToRetry(page.run, {}, { failed: page.items?.failed, left: page.left })}
        >
          {w.retryAll}
        </button>
      ) : null}
      {can("cancel") ? (
        <button type="button" class="button" onClick={() => askTo("cancel", page)}>
          {w.cancel}
        </button>
      ) : null}
    </div>
  );
}

function path({ run }: RunPage, action: string): string {
  return `api/runs/${encodeURIComponent(run)}/${action}`;
}

function askTo(action: "pause" | "resume" | "cancel", page: RunPage): void {
  const w = words.value.run;
  const { items, phase } = page;
  const isAlone = action === "cancel" && phase === "stopped";
  const open = items === undefined ? undefined : items.total - items.succeeded - items.failed;
  ask({
    title: w.titles[action],
    body: (
      <>
        <p>
          <strong>
            <Text value={page.name ?? page.run} />
          </strong>{" "}
          <Text value={page.run} mono />
        </p>
        <p>{w.bodies[isAlone ? "cancelStopped" : action](show.value.count(open))}</p>
      </>
    ),
    confirm: w[action],
    danger: action === "cancel",
    act: async () => {
      const result = await askServer<RunActionResult>(path(page, action), { body: {} });
      const { done } = words.value.run;
      if (!result.changed) return done.same;
      return done[action === "cancel" && (result.unwritten ?? isAlone) ? "cancelStopped" : action];
    },
  });
}

function askForWindow(page: RunPage): void {
  const w = words.value.run;
  ask({
    title: w.windowTitle,
    body: (
      <>
        <p class="small soft">{w.windowBody}</p>
        <label class="field">
          <span>{w.windowField}</span>
          <input
            class="input"
            name="items"
            type="number"
            required
            min={1}
            max={1_000_000}
            step={1}
            defaultValue={page.window === undefined ? "" : String(page.window)}
          />
        </label>
      </>
    ),
    confirm: w.setWindow,
    act: async (fields) => {
      const items = Number(fields.get("items"));
      await askServer<RunActionResult>(path(page, "window"), { body: { items } });
      return words.value.run.done.window;
    },
  });
}
