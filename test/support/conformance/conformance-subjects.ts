import { COMPATIBLE_PROFILES } from "#src/providers/openai-compatible/profiles.ts";
import { ANTHROPIC_SUBJECT } from "./anthropic.ts";
import { createCompatibleSubject } from "./compatible.ts";
import { GEMINI_SUBJECT } from "./gemini.ts";
import { MINIMAX_SUBJECTS } from "./minimax.ts";
import { SPARK_SUBJECTS } from "./spark.ts";
import type { ConformanceSubject } from "./subject.ts";
import { ZHIPU_SUBJECT } from "./zhipu.ts";

/** All providers. Vendors with a profile are included automatically; other protocols add their subjects here. */
export const SUBJECTS: readonly ConformanceSubject[] = [
  ...COMPATIBLE_PROFILES.map(createCompatibleSubject),
  ANTHROPIC_SUBJECT,
  GEMINI_SUBJECT,
  ZHIPU_SUBJECT,
  ...SPARK_SUBJECTS,
  ...MINIMAX_SUBJECTS,
];
