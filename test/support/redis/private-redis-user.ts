// A child process that uses the private Redis of the folder in argv and handles messages of its parent.
import { openRedis } from "#src/redis/connection.ts";
import { startPrivateRedis } from "#src/redis/private-server/private-server.ts";

const [dir = "."] = process.argv.slice(2);
try {
  const server = await startPrivateRedis(dir);
  const source = openRedis(server.target);
  const client = source.connect("commands");
  process.on("message", async (request: "count" | "leave") => {
    if (request === "count") {
      process.send?.({ count: await client.incr("count") });
      return;
    }
    await source.close();
    await server.leave();
    process.send?.({ left: true }, () => process.disconnect());
  });
  process.send?.({ target: server.target });
} catch (error) {
  process.send?.({
    error: String(error),
    hint: error instanceof Error && "hint" in error ? error.hint : undefined,
  });
  process.disconnect();
}
