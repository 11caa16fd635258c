import { signal } from "@preact/signals";
import type { Session, SignIn } from "#src/dashboard/auth/session-api.ts";
import { requestApi, SIGNED_OUT_EVENT } from "./request-api.ts";

/** Undefined until the server has answered. */
export const session = signal<Session | undefined>(undefined);

export async function fetchSession(): Promise<void> {
  session.value = await requestApi<Session>("api/session");
}

export async function signIn(body: SignIn): Promise<void> {
  session.value = await requestApi<Session>("api/session", { body });
}

export async function signOut(): Promise<void> {
  session.value = await requestApi<Session>("api/session", { method: "DELETE" });
}

export function refreshSessionOnSignOut(): void {
  addEventListener(SIGNED_OUT_EVENT, () => void fetchSession().catch(() => {}));
}

export const canOperate = (): boolean => session.value?.canOperate === true;
