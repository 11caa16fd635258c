import type { RunAction, RunActionResult, RunPage } from "#src/dashboard/runs/run-api.ts";
import { requestApi } from "#src/dashboard/web/api-client/request-api.ts";
import { canOperate } from "#src/dashboard/web/api-client/session.ts";
import { openDialog } from "#src/dashboard/web/components/dialog.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { openRetryDialog } from "./retry-dialog.tsx";
import { openDeleteDialog, openRenameDialog } from "./run-management-dialogs.tsx";
import { RunName } from "./run-name.tsx";

/** Buttons for the actions that the run's state allows; nothing for viewers. */
export function RunActions({ page }: { page: RunPage }) {
  if (!canOperate()) return null;
  const t = translations.value.run;
  const isStopped = page.phase === "stopped";
  // A stopped run has no coordinator that could act on a pause.
  const can = (action: RunAction) => page.actions.includes(action) && !(isStopped && action === "pause");
  return (
    <div class="actions">
      {can("pause") ? (
        <button type="button" class="button" onClick={() => openActionDialog("pause", page)}>
          {t.pause}
        </button>
      ) : null}
      {can("resume") ? (
        <button type="button" class="button primary" onClick={() => openActionDialog("resume", page)}>
          {t.resume}
        </button>
      ) : null}
      {can("window") ? (
        <button type="button" class="button" onClick={() => openWindowDialog(page)}>
          {t.changeBufferSize}
        </button>
      ) : null}
      {can("retry") ? (
        <button
          type="button"
          class="button"
          onClick={() =>
            openRetryDialog(page.run, {}, { failed: page.items?.failed, itemsWithoutRecord: page.itemsWithoutRecord })
          }
        >
          {t.retryFailed}
        </button>
      ) : null}
      {can("cancel") ? (
        <button type="button" class="button" onClick={() => openActionDialog("cancel", page)}>
          {t.cancel}
        </button>
      ) : null}
      {can("rename") ? (
        <button type="button" class="button" onClick={() => openRenameDialog(page)}>
          {translations.value.runManagement.rename}
        </button>
      ) : null}
      {can("delete") ? (
        <button
          type="button"
          class="button"
          onClick={() =>
            openDeleteDialog(page, () => {
              location.hash = "#/runs";
            })
          }
        >
          {translations.value.runManagement.delete}
        </button>
      ) : null}
    </div>
  );
}

function getActionPath({ run }: RunPage, action: string): string {
  return `api/runs/${encodeURIComponent(run)}/${action}`;
}

function openActionDialog(action: "pause" | "resume" | "cancel", page: RunPage): void {
  const t = translations.value.run;
  const { items, phase } = page;
  const hasNoCoordinator = action === "cancel" && phase === "stopped";
  const openItems = items === undefined ? undefined : items.total - items.succeeded - items.failed;
  openDialog({
    title: t.titles[action],
    body: (
      <>
        <RunName run={page} />
        <p>{t.bodies[hasNoCoordinator ? "cancelStopped" : action](formatters.value.count(openItems))}</p>
      </>
    ),
    confirmLabel: t[action],
    dismissLabel: action === "cancel" ? t.keep : undefined,
    danger: action === "cancel",
    onConfirm: async () => {
      const result = await requestApi<RunActionResult>(getActionPath(page, action), { body: {} });
      const { done } = translations.value.run;
      if (!result.changed) return done.unchanged;
      return done[action === "cancel" && (result.outputPending ?? hasNoCoordinator) ? "cancelStopped" : action];
    },
  });
}

function openWindowDialog(page: RunPage): void {
  const t = translations.value.run;
  openDialog({
    title: t.bufferSizeTitle,
    body: (
      <>
        <p class="small muted">{t.bufferSizeBody}</p>
        <label class="field">
          <span>{t.bufferSizeField}</span>
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
    confirmLabel: t.setBufferSize,
    onConfirm: async (fields) => {
      const items = Number(fields.get("items"));
      await requestApi<RunActionResult>(getActionPath(page, "window"), { body: { items } });
      return translations.value.run.done.bufferSize;
    },
  });
}
