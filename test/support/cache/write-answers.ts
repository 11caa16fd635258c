// Writes answers to a cache: FOLDER FROM TO. Sends a message after every hundred; the parent process may kill it.
import { AnswerCache } from "#src/producer/cache/answer-cache.ts";
import { makeAnswer, makeKey } from "./cached-answers.ts";

const [folder = "", from = "", to = ""] = process.argv.slice(2);
const cache = await AnswerCache.open(folder, { maxBytes: 1e9, now: Date.now, notify: console.error });
for (let n = Number(from); n < Number(to); n++) {
  cache.put(makeKey(n), makeAnswer(n));
  if (n % 100 !== 99) continue;
  await cache.flush();
  process.send?.(n);
}
await cache.close();
process.disconnect();
