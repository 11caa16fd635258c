import type { Role } from "#src/dashboard/auth/session-api.ts";
import type { ErrorCode, RefusalReason } from "#src/dashboard/http/error-api.ts";

/**
 *   GET /api/audit?before=&limit=50    viewer    -> AuditPage
 */
export interface AuditPage {
  /** Newest first. */
  readonly lines: readonly AuditEntry[];
  /** Pass it as ?before= to get older entries. */
  readonly next?: string;
}

export interface AuditEntry {
  readonly id: string;
  readonly at: number;
  readonly userName: string;
  readonly role: Role;
  /** "pause", "cancel", "retry", "set-limit", "reveal", "sign-in" ... */
  readonly action: string;
  /** A run, an item of a run, or a lane. Absent for a sign-in. */
  readonly target?: string;
  /** Numbers and options of the action; never a text of an item. */
  readonly detail?: string;
  /** The action was refused and had no effect. Absent when it was carried out. */
  readonly outcome?: "refused";
  /** Why it was refused. */
  readonly reason?: RefusalReason | ErrorCode;
}
