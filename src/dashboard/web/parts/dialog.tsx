import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { words } from "../words/words.ts";
import { notify } from "./notice.tsx";
import { Problem } from "./problem.tsx";

export interface Question {
  readonly title: string;
  /** What will happen, named; may hold fields, whose values `act` gets. */
  readonly body: ComponentChildren;
  readonly confirm: string;
  readonly danger?: boolean;
  /** Whether what the fields hold is enough to act on; asked whenever one changes. */
  readonly isReady?: (fields: FormData) => boolean;
  /** Resolves with one sentence on what happens now; what it throws is shown, and the dialog stays open. */
  readonly act: (fields: FormData) => Promise<string>;
}

const question = signal<Question | undefined>(undefined);

/** Asks before something is changed. Escape and the first button leave everything as it is. */
export function ask(next: Question): void {
  question.value = next;
}

/** The one dialog of the page; the browser keeps the focus inside, and gives it back. */
export function Dialog() {
  const asked = question.value;
  const element = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const [isReady, setReady] = useState(true);
  const form = useRef<HTMLFormElement>(null);
  const look = () => setReady(!asked?.isReady || !form.current || asked.isReady(new FormData(form.current)));
  useEffect(() => {
    setProblem(undefined);
    setBusy(false);
    look();
    if (asked) element.current?.showModal();
  }, [asked]);
  if (!asked) return null;

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setProblem(undefined);
    try {
      const said = await asked.act(new FormData(event.currentTarget as HTMLFormElement));
      element.current?.close();
      notify(said);
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  return (
    <dialog
      ref={element}
      aria-labelledby="dialog-title"
      onClose={() => {
        question.value = undefined;
      }}
    >
      <form ref={form} onSubmit={submit} onInput={look}>
        <h2 id="dialog-title">{asked.title}</h2>
        <div>{asked.body}</div>
        {problem === undefined ? null : <Problem error={problem} />}
        <div class="actions">
          <button type="button" class="button" onClick={() => element.current?.close()}>
            {words.value.common.leave}
          </button>
          <button
            type="submit"
            class={`button ${asked.danger ? "danger" : "primary"}`}
            disabled={isBusy || !isReady}
          >
            {isBusy ? words.value.common.working : asked.confirm}
          </button>
        </div>
      </form>
    </dialog>
  );
}
