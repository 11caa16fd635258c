import OpenAI from "openai";
import { expect, test } from "vitest";
import { isPublicAddress } from "#src/api/webhooks/public-address.ts";
import { signEvent } from "#src/api/webhooks/sign-event.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const client = new OpenAI({ apiKey: "any", webhookSecret: SECRET });

test("OpenAI's own client accepts the signature, and no other", async () => {
  const body = JSON.stringify({ id: "evt_1", type: "batch.completed", data: { id: "batch_1" } });
  const headers = signEvent({ id: "evt_1", body, sentAt: Date.now() }, SECRET);
  expect(await client.webhooks.unwrap(body, headers)).toMatchObject({ type: "batch.completed" });
  await expect(client.webhooks.unwrap(`${body} `, headers)).rejects.toThrow();
  const old = signEvent({ id: "evt_1", body, sentAt: Date.now() - 600_000 }, SECRET);
  await expect(client.webhooks.unwrap(body, old)).rejects.toThrow(/too old/);
});

/** An example of the Standard Webhooks specification. */
test("the signature equals that of the specification's example", () => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const event = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: '{"test": 2432232314}', sentAt: 1614265330_000 };
  expect(signEvent(event, secret)["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
});

test.each([
  ["8.8.8.8", true],
  ["2606:4700::1111", true],
  ["127.0.0.1", false],
  ["10.1.2.3", false],
  ["172.31.0.1", false],
  ["192.168.1.1", false],
  ["169.254.169.254", false],
  ["100.64.0.1", false],
  ["0.0.0.0", false],
  ["255.255.255.255", false],
  ["::1", false],
  ["::", false],
  ["fd00::1", false],
  ["fe80::1", false],
  ["::ffff:10.0.0.1", false],
  ["::ffff:a00:1", false],
  ["64:ff9b::a00:1", false],
  ["localhost", false],
])("%s is public: %s", (address, isPublic) => {
  expect(isPublicAddress(address)).toBe(isPublic);
});
