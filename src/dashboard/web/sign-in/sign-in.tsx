import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ServerError } from "#src/dashboard/web/api-client/request-api.ts";
import { signIn } from "#src/dashboard/web/api-client/session.ts";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

export function SignInScreen() {
  const error = useSignal<unknown>(undefined);
  const isBusy = useSignal(false);
  const passwordInput = useRef<HTMLInputElement>(null);
  useEffect(() => passwordInput.current?.focus(), []);
  const t = translations.value.signIn;
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const name = String(fields.get("name") ?? "").trim();
    isBusy.value = true;
    error.value = undefined;
    try {
      await signIn({ password: String(fields.get("password")), name: name === "" ? undefined : name });
    } catch (thrown) {
      error.value = thrown;
      passwordInput.current?.select();
    } finally {
      isBusy.value = false;
    }
  };
  const waitMs = useCountdown(error.value);
  return (
    <section class="card sign-in" aria-labelledby="sign-in-title">
      <form onSubmit={submit}>
        <h1 id="sign-in-title">{t.title}</h1>
        <p class="small muted">{t.explanation}</p>
        <label class="field">
          <span>{t.password}</span>
          <input
            ref={passwordInput}
            class="input"
            type="password"
            name="password"
            required
            maxLength={1_000}
            autocomplete="current-password"
          />
        </label>
        <label class="field">
          <span>{t.name}</span>
          <input class="input" name="name" maxLength={40} autocomplete="nickname" />
        </label>
        {error.value === undefined ? null : waitMs > 0 ? (
          <div class="note error" role="alert">
            <p>{translations.value.errors["too-many-attempts"]}</p>
            <p class="small">{t.retryAfter(formatters.value.duration(waitMs))}</p>
          </div>
        ) : error.value instanceof ServerError && error.value.retryAfterMs !== undefined ? null : (
          <ErrorNote error={error.value} />
        )}
        <button type="submit" class="button primary" disabled={isBusy.value || waitMs > 0}>
          {isBusy.value ? translations.value.common.working : t.submit}
        </button>
      </form>
    </section>
  );
}

/** Remaining wait time of an error in milliseconds, rounded up to whole seconds; restarts with each error. */
function useCountdown(error: unknown): number {
  const left = useSignal(0);
  useEffect(() => {
    const ms = error instanceof ServerError ? error.retryAfterMs : undefined;
    const until = Date.now() + (ms ?? 0);
    const updateTimeLeft = () => {
      left.value = Math.max(0, Math.ceil((until - Date.now()) / 1_000) * 1_000);
    };
    updateTimeLeft();
    if (ms === undefined) return;
    const timer = setInterval(updateTimeLeft, 1_000);
    return () => clearInterval(timer);
  }, [error]);
  return left.value;
}
