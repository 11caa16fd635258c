import { auditEn } from "./audit.ts";
import { commonEn } from "./common.ts";
import { errorsEn } from "./errors.ts";
import { itemsEn } from "./items.ts";
import { liveEn } from "./live.ts";
import { overviewEn } from "./overview.ts";
import { queuesEn } from "./queues.ts";
import { runEn } from "./run.ts";
import { runsEn } from "./runs.ts";
import { searchEn } from "./search.ts";

export const en = {
  ...commonEn,
  ...errorsEn,
  ...overviewEn,
  ...runsEn,
  ...runEn,
  ...itemsEn,
  ...liveEn,
  ...searchEn,
  ...queuesEn,
  ...auditEn,
};

/** The same keys in every language. */
export type Translations = typeof en;
