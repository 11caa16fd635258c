import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { show } from "../format/show.ts";
import { Problem } from "../parts/problem.tsx";
import { ServerError } from "../server/ask-server.ts";
import { signIn } from "../server/session.ts";
import { words } from "../words/words.ts";

/** Asks for the viewer's or the operator's password. */
export function SignIn() {
  const error = useSignal<unknown>(undefined);
  const isBusy = useSignal(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const w = words.value.signIn;
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const name = String(fields.get("name") ?? "").trim();
    isBusy.value = true;
    error.value = undefined;
    try {
      await signIn({ password: String(fields.get("password")), ...(name === "" ? {} : { name }) });
    } catch (thrown) {
      error.value = thrown;
      first.current?.select();
    } finally {
      isBusy.value = false;
    }
  };
  const wait = error.value instanceof ServerError ? error.value.retryAfterMs : undefined;
  return (
    <section class="card sign-in" aria-labelledby="sign-in-title">
      <form onSubmit={submit}>
        <h1 id="sign-in-title">{w.title}</h1>
        <p class="small soft">{w.explain}</p>
        <label class="field">
          <span>{w.password}</span>
          <input
            ref={first}
            class="input"
            type="password"
            name="password"
            required
            maxLength={1_000}
            autocomplete="current-password"
          />
        </label>
        <label class="field">
          <span>{w.name}</span>
          <input class="input" name="name" maxLength={40} autocomplete="nickname" />
        </label>
        {error.value === undefined ? null : <Problem error={error.value} />}
        {wait === undefined ? null : <p class="small">{w.wait(show.value.duration(wait))}</p>}
        <button type="submit" class="button primary" disabled={isBusy.value}>
          {isBusy.value ? words.value.common.working : w.enter}
        </button>
      </form>
    </section>
  );
}
