import type { Translations } from "../en/index.ts";
import { auditZh } from "./audit.ts";
import { commonZh } from "./common.ts";
import { errorsZh } from "./errors.ts";
import { evaluationsZh } from "./evaluations.ts";
import { itemsZh } from "./items.ts";
import { liveZh } from "./live.ts";
import { overviewZh } from "./overview.ts";
import { queuesZh } from "./queues.ts";
import { runZh } from "./run.ts";
import { runsZh } from "./runs.ts";
import { searchZh } from "./search.ts";
import { signInZh } from "./sign-in.ts";

export const zh: Translations = {
  ...commonZh,
  ...signInZh,
  ...errorsZh,
  ...overviewZh,
  ...runsZh,
  ...runZh,
  ...evaluationsZh,
  ...itemsZh,
  ...liveZh,
  ...searchZh,
  ...queuesZh,
  ...auditZh,
};
