import { auditEn } from "./audit.ts";
import { commonEn } from "./common.ts";
import { errorsEn } from "./errors.ts";
import { evaluationsEn } from "./evaluations.ts";
import { itemsEn } from "./items.ts";
import { liveEn } from "./live.ts";
import { overviewEn } from "./overview.ts";
import { queuesEn } from "./queues.ts";
import { runEn } from "./run.ts";
import { runsEn } from "./runs.ts";
import { searchEn } from "./search.ts";
import { signInEn } from "./sign-in.ts";

export const en = {
  ...commonEn,
  ...signInEn,
  ...errorsEn,
  ...overviewEn,
  ...runsEn,
  ...runEn,
  ...evaluationsEn,
  ...itemsEn,
  ...liveEn,
  ...searchEn,
  ...queuesEn,
  ...auditEn,
};

/** The same keys in every language. */
export type Translations = typeof en;
