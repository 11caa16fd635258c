/**
 *   GET    /api/session    everybody    -> Session
 *   POST   /api/session    everybody    SignIn -> Session    (429 after too many attempts)
 *   DELETE /api/session    everybody    -> Session           (signed out)
 */

export type Role = "viewer" | "operator";

export interface Session {
  readonly at: number;
  /** Absent: nobody is signed in; show the sign-in page. */
  readonly role?: Role;
  /** Who actions are noted under: "local" behind an open door, else the name given at sign-in or the role. */
  readonly userName?: string;
  /** No password is needed: the server listens on this machine only. */
  readonly isAuthDisabled: boolean;
  /** May pause, retry, reveal ...; hide or disable the buttons otherwise. */
  readonly canOperate: boolean;
  /** When the session ends. */
  readonly expiresAt?: number;
  /** Version of Sluice. */
  readonly version: string;
  /** First part of every Redis key: several may share one Redis. */
  readonly namespace: string;
  /** Where the server runs. */
  readonly host: string;
}

export interface SignIn {
  readonly password: string;
  /** For the audit lines; up to 40 characters. */
  readonly name?: string;
}
