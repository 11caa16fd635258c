import { signal } from "@preact/signals";
import type { Session, SignIn } from "../../contract.ts";
import { askServer, whenSignedOut } from "./ask-server.ts";

/** Undefined until the server has said who is there. */
export const session = signal<Session | undefined>(undefined);

export async function readSession(): Promise<void> {
  session.value = await askServer<Session>("api/session");
}

export async function signIn(body: SignIn): Promise<void> {
  session.value = await askServer<Session>("api/session", { body });
}

export async function signOut(): Promise<void> {
  session.value = await askServer<Session>("api/session", { method: "DELETE" });
}

export function watchSession(): void {
  whenSignedOut(() => {
    void readSession().catch(() => {});
  });
}

export const mayAct = (): boolean => session.value?.mayAct === true;
