import { z } from "zod";
import { faultSchema } from "./server/faults.ts";

const limit = z.number().int().positive().nullable();

/** Limits of the simulated account; null is no limit. */
const limitsSchema = z.strictObject({
  requestsPerWindow: limit.default(null),
  tokensPerWindow: limit.default(null),
  concurrency: limit.default(null),
  requestsPerSecond: limit.default(null),
  /** Providers use a minute; tests use shorter windows. */
  windowMs: z.number().int().positive().default(60_000),
});

const latencySchema = z.strictObject({
  fixedMs: z.number().nonnegative().default(0),
  /** Additional latency, evenly distributed from 0 to this. */
  jitterMs: z.number().nonnegative().default(0),
});

/** Settings that may be changed at run time, also through the control endpoint. */
export const settingsSchema = z.strictObject({
  limits: limitsSchema.prefault({}),
  latency: latencySchema.prefault({}),
  /** Delay between two parts of a streamed answer. */
  deltaMs: z.number().nonnegative().default(0),
  faults: z.array(faultSchema).default([]),
  /** `meaningful`: computed from the text. `fixed`: one of a few precomputed vectors, at almost no cost. */
  vectors: z.enum(["meaningful", "fixed"]).default("meaningful"),
});

const settingsPatchSchema = z.strictObject({
  limits: z.strictObject({
    requestsPerWindow: limit.optional(),
    tokensPerWindow: limit.optional(),
    concurrency: limit.optional(),
    requestsPerSecond: limit.optional(),
    windowMs: z.number().int().positive().optional(),
  }),
  latency: z.strictObject({
    fixedMs: z.number().nonnegative().optional(),
    jitterMs: z.number().nonnegative().optional(),
  }),
  deltaMs: z.number().nonnegative(),
  faults: z.array(faultSchema),
  vectors: z.enum(["meaningful", "fixed"]),
});

export type SimulatorSettings = z.output<typeof settingsSchema>;
export type SimulatorLimits = SimulatorSettings["limits"];

/** Any part of the settings. Limits and latency are merged field by field; `faults` replaces all faults. */
export const partialSettingsSchema = settingsPatchSchema.partial();
export type SimulatorSettingsPatch = z.input<typeof partialSettingsSchema>;

/** The settings with the patch applied. Throws a ZodError that describes what is wrong with the patch. */
export function patchSettings(settings: SimulatorSettings, patch: unknown): SimulatorSettings {
  const { limits, latency, ...others } = partialSettingsSchema.parse(patch);
  return settingsSchema.parse({
    ...settings,
    ...others,
    limits: { ...settings.limits, ...limits },
    latency: { ...settings.latency, ...latency },
  });
}
