import { isIP } from "node:net";
import { join } from "node:path";
import { Agent, request } from "undici";
import * as z from "zod";
import type { StoredBatch } from "#src/api/batches/batch-object.ts";
import { readJsonFile, writeJsonFile } from "#src/api/storage/data-folder.ts";
import type { Clock } from "#src/core/clock.ts";
import { coerceError } from "#src/core/failures/errors.ts";
import type { Secret } from "#src/core/secret.ts";
import { isPublicAddress, lookUpPublicAddress, PrivateAddressError } from "./public-address.ts";
import { signEvent } from "./sign-event.ts";

/** Where the server reports that a batch has ended. */
export interface WebhookSettings {
  readonly url: string;
  /** "whsec_" and the key in base64. */
  readonly secret: Secret;
  /** Whether the URL may be on a private network or this machine. */
  readonly allowPrivate: boolean;
}

const delivery = z.object({ attempts: z.int(), nextAt: z.number(), isDone: z.boolean() });

/** Waits after failed attempts, ms; the last one is repeated until the event is a day old. */
const DELAYS_MS = [5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000];
const MAX_AGE_MS = 24 * 3600_000;
const TIMEOUT_MS = 15_000;

/**
 * Reports the end of batches, at least once: what was delivered is stored beside the batch, and any server continues after
 * failed attempts, for a day. The receiver can recognize a repetition by the id of the event.
 */
export class BatchWebhook {
  readonly #settings: WebhookSettings;
  readonly #clock: Clock;
  readonly #onFailed: (batch: string, reason: string) => void;
  readonly #dispatcher: Agent;

  constructor(settings: WebhookSettings, clock: Clock, onFailed: (batch: string, reason: string) => void) {
    this.#settings = settings;
    this.#clock = clock;
    this.#onFailed = onFailed;
    this.#dispatcher = new Agent(settings.allowPrivate ? {} : { connect: { lookup: lookUpPublicAddress } });
  }

  /** Makes an attempt if one is due. Resolves with the time of the next one, epoch ms; undefined if there will be none. */
  async deliver(batch: StoredBatch, folder: string): Promise<number | undefined> {
    const path = join(folder, "webhook.json");
    const now = this.#clock.now();
    const endedAt = batch.completedAt ?? batch.failedAt ?? batch.expiredAt ?? batch.cancelledAt ?? now;
    const { attempts, nextAt, isDone } = (await readJsonFile(path, delivery)) ?? {
      attempts: 0,
      nextAt: 0,
      isDone: false,
    };
    if (isDone || (attempts > 0 && now - endedAt > MAX_AGE_MS)) return undefined;
    if (nextAt > now) return nextAt;
    const problem = await this.#send(batch, endedAt);
    const wait = DELAYS_MS[attempts] ?? DELAYS_MS.at(-1) ?? 0;
    const next = problem === undefined ? 0 : now + wait;
    await writeJsonFile(path, { attempts: attempts + 1, nextAt: next, isDone: problem === undefined });
    if (problem === undefined) return undefined;
    this.#onFailed(batch.id, `the webhook was not delivered: ${problem}. Next attempt in ${wait / 1000} s`);
    return next;
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  /** Resolves with why the receiver did not accept the event; undefined if it did. */
  async #send(batch: StoredBatch, endedAt: number): Promise<string | undefined> {
    const { url, secret } = this.#settings;
    const id = `evt_${batch.id.replace(/^batch_/, "")}`;
    const event = { id, object: "event", created_at: Math.floor(endedAt / 1000), type: `batch.${batch.status}` };
    const body = JSON.stringify({ ...event, data: { id: batch.id } });
    const signature = signEvent({ id, body, sentAt: this.#clock.now() }, secret.reveal());
    try {
      this.#requireAllowed(url);
      const response = await request(url, {
        dispatcher: this.#dispatcher,
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": "sluice", ...signature },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body.dump();
      // A redirect is not followed: it could lead anywhere.
      return response.statusCode < 300 ? undefined : `the receiver answered with status ${response.statusCode}`;
    } catch (error) {
      return coerceError(error).message;
    }
  }

  /** An address in the URL is not looked up when connecting. */
  #requireAllowed(url: string): void {
    const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
    if (!this.#settings.allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)) throw new PrivateAddressError(host);
  }
}
