import type { RunActionResult, RunPage } from "#src/dashboard/runs/run-api.ts";
import { requestApi } from "#src/dashboard/web/api-client/request-api.ts";
import { openDialog } from "#src/dashboard/web/components/dialog.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { RunName } from "./run-name.tsx";

/** Changes the name and the note of a run. */
export function openRenameDialog(page: RunPage, onDone?: () => void): void {
  const t = translations.value.runManagement;
  openDialog({
    title: t.renameTitle,
    body: (
      <>
        <RunName run={page} />
        <label class="field">
          <span>{t.name}</span>
          <input class="input" name="name" maxLength={60} defaultValue={page.givenName} autocomplete="off" />
        </label>
        <p class="small muted">{t.nameRules}</p>
        <label class="field">
          <span>{t.note}</span>
          <input class="input" name="note" maxLength={1_000} defaultValue={page.note} autocomplete="off" />
        </label>
      </>
    ),
    confirmLabel: t.rename,
    onConfirm: async (fields) => {
      const body = { name: String(fields.get("name")).trim(), note: String(fields.get("note")).trim() };
      await requestApi<RunActionResult>(`api/runs/${encodeURIComponent(page.run)}/label`, { body });
      onDone?.();
      return translations.value.runManagement.renamed;
    },
  });
}

/** Says what is deleted with a run, and deletes it. */
export function openDeleteDialog(page: RunPage, onDone: () => void): void {
  const t = translations.value.runManagement;
  const { folder, items, output } = page;
  const isUnfinished = page.phase !== "finished" && (items?.succeeded ?? 0) > 0;
  const files = output?.files ?? [];
  openDialog({
    title: t.deleteTitle,
    body: (
      <>
        <RunName run={page} />
        {folder.isReadable ? (
          <>
            <p>{t.deletedFiles}</p>
            <p class="small">
              <UntrustedText value={folder.dir ?? ""} isMonospace />
            </p>
          </>
        ) : (
          <p>{t.folderKept}</p>
        )}
        {isUnfinished ? <p class="note warning">{t.answersLost(formatters.value.count(items?.succeeded))}</p> : null}
        {folder.isReadable && files.length > 0 ? (
          <>
            <label class="checkbox-field">
              <input type="checkbox" name="outputs" />
              {t.deleteOutputs}
            </label>
            <p class="small muted">
              <UntrustedText value={[...files, "run.json"].join(", ")} />
            </p>
          </>
        ) : null}
        <p>{t.cannotBeUndone}</p>
      </>
    ),
    confirmLabel: t.delete,
    dismissLabel: translations.value.run.keep,
    danger: true,
    onConfirm: async (fields) => {
      const body = { outputs: fields.get("outputs") !== null };
      await requestApi<RunActionResult>(`api/runs/${encodeURIComponent(page.run)}/delete`, { body });
      onDone();
      return translations.value.runManagement.deleted;
    },
  });
}

/** The same for a row of a list, which knows less than the page of the run. */
export async function openListedRunDialog(action: "rename" | "delete", run: string, onDone: () => void): Promise<void> {
  const page = await requestApi<RunPage>(`api/runs/${encodeURIComponent(run)}`);
  if (action === "rename") openRenameDialog(page, onDone);
  else openDeleteDialog(page, onDone);
}
