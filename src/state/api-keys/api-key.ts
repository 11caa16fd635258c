import * as z from "zod";
import { MAX_TENANT_WEIGHT } from "#src/queues/payload.ts";

export const API_KEY_ROLES = ["user", "admin"] as const;
export type ApiKeyRole = (typeof API_KEY_ROLES)[number];

/** Budgets are counted in billionths of their currency as whole numbers, which are exact up to this amount. */
export const MAX_BUDGET = 1_000_000;

const limit = z.int().positive().optional();
const budget = z.number().positive().max(MAX_BUDGET).optional();

/** A tenant or the name of a key: visible in lists and in logs, and part of Redis keys. */
export const API_KEY_NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,63}$/u;

const apiKeySchema = z.object({
  /** The public part of the key, which logs and lists may show. */
  id: z.string().regex(/^[0-9a-f]{16}$/),
  name: z.string().regex(API_KEY_NAME),
  /** Whose work it sees. */
  tenant: z.string().regex(API_KEY_NAME),
  /** SHA-256 of the secret part. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  role: z.enum(API_KEY_ROLES),
  /** The models that it may use; absent for all. `minimax/*` stands for all models of a provider. */
  models: z.array(z.string().min(1)).optional(),
  requestsPerMinute: limit,
  tokensPerMinute: limit,
  dailyBudget: budget,
  monthlyBudget: budget,
  /** Of the budgets. */
  currency: z.string().min(1),
  /** The tenant's share of a lane in relation to other tenants. */
  weight: z.int().min(1).max(MAX_TENANT_WEIGHT),
  createdAt: z.number(),
  expiresAt: z.number().optional(),
  revokedAt: z.number().optional(),
});
export type ApiKey = z.infer<typeof apiKeySchema>;

/** The stored record of a key. */
export const storedApiKey = apiKeySchema;

export type ApiKeyState = "valid" | "expired" | "revoked";

export function findApiKeyState({ revokedAt, expiresAt }: ApiKey, now: number): ApiKeyState {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt !== undefined && expiresAt <= now ? "expired" : "valid";
}

/** Whether the key may use a model, such as `minimax/embo-01`. */
export function allowsModel({ models }: Pick<ApiKey, "models">, fullName: string): boolean {
  if (models === undefined) return true;
  return models.some(
    (model) => model === fullName || (model.endsWith("/*") && fullName.startsWith(model.slice(0, -1))),
  );
}
