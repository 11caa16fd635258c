import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import type { Clock } from "#src/core/clock.ts";
import { isLoopback, parseHostName } from "#src/http-server/loopback.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";
import type { TenantShare } from "#src/queues/payload.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { type ApiKey, type ApiKeyRole, allowsModel } from "#src/state/api-keys/api-key.ts";
import { ApiKeyStore } from "#src/state/api-keys/api-key-store.ts";
import { CALL_LEASE_MS, type CallDemand, KeyUsage } from "#src/state/api-keys/key-usage.ts";
import { settleAbandonedCalls } from "./abandoned-calls.ts";
import { ACCESS_ERRORS } from "./access-errors.ts";
import { BatchBudgets } from "./batch-budgets.ts";
import type { AccessControl, AdmittedUse, Caller, ExpectedUse, ReportedUse } from "./caller.ts";
import { writeLimitHeaders } from "./limit-headers.ts";
import { ANYBODY, UNLIMITED } from "./open-access.ts";
import { OpenCalls } from "./open-calls.ts";
import { computeBudgetCost, computeUsedCost, countUsedTokens } from "./price-call.ts";

export interface KeyAccessDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly registry: ProviderRegistry;
  readonly clock: Clock;
  /** Only programs on this machine can reach the server: it is open as long as no key exists. */
  readonly isLoopback: boolean;
  /** Called with what an answered call used, as far as it was reported. */
  readonly onUse: (model: string, used: ReportedUse) => void;
  /** Reports a failure of work in the background. */
  readonly onError: (error: unknown) => void;
}

/** How long a request waits for the connection to Redis, such as during a failover. */
const MAX_REDIS_WAIT_MS = 5_000;

/** The standalone item of a call. */
interface ItemOfCall {
  readonly item: string;
  readonly model: string;
}

/** A caller with an API key. */
class KeyCaller implements Caller {
  readonly key: ApiKey;

  constructor(key: ApiKey) {
    this.key = key;
  }

  get tenant(): string {
    return this.key.tenant;
  }

  get keyId(): string {
    return this.key.id;
  }

  get share(): TenantShare {
    return { id: this.key.tenant, weight: this.key.weight };
  }

  get role(): ApiKeyRole {
    return this.key.role;
  }

  get models(): readonly string[] | undefined {
    return this.key.models;
  }

  get hasBudget(): boolean {
    return this.key.dailyBudget !== undefined || this.key.monthlyBudget !== undefined;
  }

  allowsModel(fullName: string): boolean {
    return allowsModel(this.key, fullName);
  }
}

/** Access by API keys. */
export class KeyAccess implements AccessControl {
  readonly #deps: KeyAccessDeps;
  readonly #store: ApiKeyStore;
  readonly #usage: KeyUsage;
  readonly #openCalls: OpenCalls;
  readonly batchBudgets: BatchBudgets;
  readonly #timer: NodeJS.Timeout;

  constructor(deps: KeyAccessDeps) {
    const { client, keys, clock, onError } = deps;
    this.#deps = deps;
    this.#store = new ApiKeyStore(client, keys, () => clock.now());
    this.#usage = new KeyUsage(client, keys);
    this.batchBudgets = new BatchBudgets({ ...deps, store: this.#store, usage: this.#usage });
    this.#openCalls = new OpenCalls(this.#usage, onError);
    this.#timer = setInterval(() => this.settleAbandoned().catch(onError), CALL_LEASE_MS / 4).unref();
  }

  async authenticate(headers: IncomingHttpHeaders): Promise<Caller> {
    const token = readToken(headers);
    const presented = await this.#orUnavailable(this.#store.authenticate(token));
    if (presented?.state === "valid") return new KeyCaller(presented.key);
    // Clients insist on sending a key, so that a wrong one is no reason to refuse a request here.
    if (this.#deps.isLoopback && !(await this.#store.hasKeys())) {
      requireLoopbackName(headers);
      return ANYBODY;
    }
    throw token === undefined ? API_ERRORS.missingKey() : API_ERRORS.invalidKey();
  }

  async admit(caller: Caller, expected: ExpectedUse): Promise<AdmittedUse> {
    const { onUse, onError } = this.#deps;
    if (!(caller instanceof KeyCaller)) {
      return { ...UNLIMITED, settle: async (used) => used && onUse(expected.model, used) };
    }
    const { key } = caller;
    const id = randomUUID();
    const decision = await this.#usage.admit(key, id, this.#findDemand(key, expected));
    if (decision.refusedBy) throw ACCESS_ERRORS.refused(key, decision.refusedBy, decision.retryAfterMs);
    this.#openCalls.add(key.id, id);
    let isCounted = Promise.resolve(true);
    return {
      headers: writeLimitHeaders(decision),
      attach: (item, { mayRepeat }) => {
        isCounted = this.#attach(key.id, id, { item, model: expected.model }, mayRepeat).catch((error) => {
          onError(error);
          return true;
        });
      },
      settle: async (used) => {
        if (used) onUse(expected.model, used);
        this.#openCalls.delete(key.id, id);
        const counted = (await isCounted) ? used : undefined;
        // The answer is there, and must reach the client. What is not settled here is settled later, by any server.
        await this.#usage.settle(key.id, id, this.#measureUse(expected.model, counted)).catch(onError);
      },
      leave: () => this.#openCalls.delete(key.id, id),
    };
  }

  async describeLimits(caller: Caller): Promise<Readonly<Record<string, string>>> {
    if (!(caller instanceof KeyCaller)) return {};
    const { requestsPerMinute, tokensPerMinute } = caller.key;
    if (requestsPerMinute === undefined && tokensPerMinute === undefined) return {};
    // A response must not wait for Redis only to describe limits.
    if (this.#deps.client.status !== "ready") return {};
    return writeLimitHeaders(await this.#usage.readUse(caller.key));
  }

  /** Settles calls whose requests have ended before their items, whichever server had them. */
  async settleAbandoned(): Promise<void> {
    const { client, keys, clock } = this.#deps;
    const findPrice = (model: string) => this.#findModel(model).price;
    const now = () => clock.now();
    await settleAbandonedCalls({ client, keys, store: this.#store, usage: this.#usage, findPrice, now });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#openCalls.close();
  }

  /** Rejects with an ApiError if there is no connection to Redis for some seconds, for which commands would wait. */
  async #orUnavailable<T>(reply: Promise<T>): Promise<T> {
    const { client, clock } = this.#deps;
    if (client.status === "ready") return await reply;
    const ended = new AbortController();
    const timeout = clock.sleep(MAX_REDIS_WAIT_MS, ended.signal).then(() => Promise.reject(API_ERRORS.unavailable()));
    return await Promise.race([reply, timeout]).finally(() => {
      timeout.catch(() => undefined);
      ended.abort();
    });
  }

  /** False if the use of the item counts already; then nothing is kept for this request. */
  async #attach(keyId: string, id: string, item: ItemOfCall, mayRepeat: boolean): Promise<boolean> {
    if (mayRepeat && !(await this.#usage.countOnce(keyId, item.item))) {
      await this.#usage.settle(keyId, id, { tokens: 0, cost: 0 });
      return false;
    }
    await this.#usage.attach(keyId, id, item);
    return true;
  }

  /** Throws an ApiError if the key has a budget that cannot be kept for the model. */
  #findDemand(key: ApiKey, expected: ExpectedUse): CallDemand {
    const tokens = expected.inputTokens + expected.outputTokens;
    const cost = computeBudgetCost(key, this.#findModel(expected.model), expected, this.#deps.clock.now());
    if (typeof cost === "number") return { tokens, cost };
    if (new KeyCaller(key).hasBudget) throw cost;
    return { tokens, cost: undefined };
  }

  #measureUse(model: string, used: ReportedUse | undefined): Partial<CallDemand> {
    if (!used) return { tokens: 0, cost: 0 };
    const { price } = this.#findModel(model);
    return { tokens: countUsedTokens(used), cost: computeUsedCost(price, used, this.#deps.clock.now()) };
  }

  #findModel(fullName: string) {
    return this.#deps.registry.findModel(fullName).model;
  }
}

/** As OpenAI's clients send keys, or as Anthropic's do. */
function readToken({ authorization, "x-api-key": apiKey }: IncomingHttpHeaders): string | undefined {
  const [, bearer] = /^bearer +(\S+) *$/i.exec(authorization ?? "") ?? [];
  return bearer ?? (typeof apiKey === "string" ? apiKey : undefined);
}

/** Protects an open server from pages that make their own name point to this machine (DNS rebinding). */
function requireLoopbackName({ host }: IncomingHttpHeaders): void {
  const name = parseHostName(host);
  if (name === undefined || !isLoopback(name)) throw ACCESS_ERRORS.foreignHost();
}
