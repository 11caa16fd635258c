import { Queue } from "bullmq";
import { expect, test } from "vitest";
import { createKeys } from "#src/redis/keys.ts";
import { hasBrowser, openBrowser, openGuardedPage } from "#test/support/dashboard/browser.ts";
import { openDashboard } from "#test/support/dashboard/dashboard.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";

test.runIf(hasBrowser)("the menu of a queue offers operators only allowed actions", async () => {
  await using redis = openTestRedis();
  const prefix = createKeys(redis.namespace).queuePrefix("fake-chat");
  const queue = new Queue("fake-chat", { connection: redis.connect(), prefix });
  await queue.add("chat", { v: 2 });
  await using dashboard = await openDashboard({ redisUrl: redis.url, namespace: redis.namespace });
  await using browser = await openBrowser();
  const { page, getViolations } = await openGuardedPage(browser);
  await page.goto(`${dashboard.url}/queues/queue/fake-chat`);
  expect(new URL(page.url()).pathname).toBe("/queues/act/queue/fake-chat");
  await page.getByText("they belong to runs").waitFor();
  const shown = async () => (await page.getByRole("menuitem").allInnerTexts()).map((text) => text.trim());
  const menu = page.locator('section button[class*="trigger-"]').last();
  await menu.click();
  await page.getByRole("menuitem", { name: "Pause" }).waitFor();
  expect(await shown()).toEqual(["Pause"]);
  expect(await getViolations()).toEqual([]);
  await queue.close();
});
