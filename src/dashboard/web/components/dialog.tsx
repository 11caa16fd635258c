import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { ErrorNote } from "./error-note.tsx";
import { showNotice } from "./notice.tsx";

export interface DialogOptions {
  readonly title: string;
  /** Says what will happen; may contain form fields, whose values are passed to `onConfirm`. */
  readonly body: ComponentChildren;
  readonly confirmLabel: string;
  /** Label of the button that closes the dialog without a change; "Cancel" by default. */
  readonly dismissLabel?: string;
  readonly danger?: boolean;
  /** Whether the fields are filled in sufficiently; called whenever one changes. */
  readonly isReady?: (fields: FormData) => boolean;
  /** Resolves with a sentence that says what happens now. If it rejects, the error is shown and the dialog stays open. */
  readonly onConfirm: (fields: FormData) => Promise<string>;
}

const openedDialog = signal<DialogOptions | undefined>(undefined);

/** Asks for confirmation before a change. Escape and the first button close the dialog without a change. */
export function openDialog(options: DialogOptions): void {
  openedDialog.value = options;
}

/** The only dialog of the page. The browser traps the focus inside and restores it afterwards. */
export function Dialog() {
  const options = openedDialog.value;
  const element = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const [isReady, setReady] = useState(true);
  const form = useRef<HTMLFormElement>(null);
  const validateFields = () =>
    setReady(!options?.isReady || !form.current || options.isReady(new FormData(form.current)));
  useEffect(() => {
    setError(undefined);
    setBusy(false);
    validateFields();
    if (options) element.current?.showModal();
  }, [options]);
  if (!options) return null;

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setError(undefined);
    try {
      const doneMessage = await options.onConfirm(new FormData(event.currentTarget as HTMLFormElement));
      element.current?.close();
      showNotice(doneMessage);
    } catch (error) {
      setError(error);
      setBusy(false);
    }
  };
  return (
    <dialog
      ref={element}
      aria-labelledby="dialog-title"
      onClose={() => {
        openedDialog.value = undefined;
      }}
    >
      <form ref={form} onSubmit={submit} onInput={validateFields}>
        <h2 id="dialog-title">{options.title}</h2>
        <div class="stack">{options.body}</div>
        {error === undefined ? null : <ErrorNote error={error} />}
        <div class="actions">
          <button type="button" class="button" onClick={() => element.current?.close()}>
            {options.dismissLabel ?? translations.value.common.cancel}
          </button>
          <button type="submit" class={`button ${options.danger ? "danger" : "primary"}`} disabled={isBusy || !isReady}>
            {isBusy ? translations.value.common.working : options.confirmLabel}
          </button>
        </div>
      </form>
    </dialog>
  );
}
