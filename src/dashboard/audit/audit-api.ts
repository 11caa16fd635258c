/**
 *   GET /api/audit?before=&limit=50    viewer    -> AuditPage
 */

import type { Role } from "#src/dashboard/auth/session-api.ts";
import type { ErrorCode, RefusalReason } from "#src/dashboard/http/error-api.ts";

export interface AuditEntry {
  readonly id: string;
  readonly at: number;
  readonly userName: string;
  readonly role: Role;
  /** "pause", "cancel", "retry", "set-limit", "reveal", "sign-in" ... */
  readonly action: string;
  /** A run, an item of a run, a lane. Absent for a sign-in. */
  readonly target?: string;
  /** Figures that were given; never a text of an item. */
  readonly detail?: string;
  /** The act was refused, and nothing of it was done; absent: it was done. */
  readonly outcome?: "refused";
  /** Why it was refused. */
  readonly reason?: RefusalReason | ErrorCode;
}

export interface AuditPage {
  /** Newest first. */
  readonly lines: readonly AuditEntry[];
  /** Goes into ?before= for older ones. */
  readonly next?: string;
}
