/**
 *   GET    /api/session    everybody    -> Session
 *   POST   /api/session    everybody    SignIn -> Session    (429 after too many attempts)
 *   DELETE /api/session    everybody    -> Session           (signed out)
 */

export type Role = "viewer" | "operator";

export interface Session {
  readonly at: number;
  /** Absent when nobody is signed in: show the sign-in page. */
  readonly role?: Role;
  /** The user in audit entries: "local" without passwords, else the name given at sign-in, or the role. */
  readonly userName?: string;
  /** No password is required: the server listens on this machine only. */
  readonly isAuthDisabled: boolean;
  /** Whether this user may pause, retry, reveal ...; hide or disable the buttons otherwise. */
  readonly canOperate: boolean;
  readonly expiresAt?: number;
  /** Version of Sluice. */
  readonly version: string;
  /** First part of every Redis key; several namespaces may share one Redis. */
  readonly namespace: string;
  /** Host name of the server. */
  readonly host: string;
}

export interface SignIn {
  readonly password: string;
  /** For audit entries; up to 40 characters. */
  readonly name?: string;
}
