import { COMPATIBLE_PROFILES } from "../../src/providers/openai-compatible/profiles.ts";
import { compatibleSubject } from "./conformance/compatible.ts";
import { MINIMAX_SUBJECTS } from "./conformance/minimax.ts";
import { SPARK_SUBJECTS } from "./conformance/spark.ts";
import type { Subject } from "./conformance/subject.ts";
import { ZHIPU_SUBJECT } from "./conformance/zhipu.ts";

/** Every provider there is. A vendor that is a profile is here by itself; a protocol of its own adds its subjects. */
export const SUBJECTS: readonly Subject[] = [
  ...COMPATIBLE_PROFILES.map(compatibleSubject),
  ZHIPU_SUBJECT,
  ...SPARK_SUBJECTS,
  ...MINIMAX_SUBJECTS,
];
