import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { waitFor } from "#test/support/wait-for.ts";

const EXAMPLES = fileURLToPath(new URL("../../../examples", import.meta.url));

/** The commands of the README, without "npx sluice". */
function readCommands(): string[][] {
  const lines = readFileSync(join(EXAMPLES, "README.md"), "utf8").split("\n");
  return lines.filter((line) => line.startsWith("    npx sluice ")).map((line) => line.trim().split(" ").slice(2));
}

test("the commands of the examples run as printed, and large does better than small", async () => {
  await using sandbox = await CliSandbox.open();
  cpSync(EXAMPLES, join(sandbox.dir, "examples"), { recursive: true });
  const [simulate = [], ...commands] = readCommands();
  // The printed port may be in use on this machine.
  const simulator = sandbox.start([...simulate, "--port", "0", "--latency", "0"]);
  const readUrl = () => /OPENAI_BASE_URL=(\S+)/.exec(simulator.stdout())?.[1];
  await waitFor(() => readUrl() !== undefined);
  const settings = readFileSync(join(EXAMPLES, "sluice.yaml"), "utf8");
  sandbox.write("examples/sluice.yaml", settings.replace("http://127.0.0.1:8900/openai/v1", readUrl() ?? ""));
  expect(commands.length).toBeGreaterThanOrEqual(3);
  for (const command of commands) {
    const { code, stdout, stderr } = await sandbox.run(command);
    expect({ command, code, stderr }).toMatchObject({ code: 0 });
    if (command[2] !== "eval") continue;
    const [large = 0, small = 1] = ["large", "small"].map((name) =>
      Number(new RegExp(`simulator/${name} +([\\d.]+) %`).exec(stdout)?.[1]),
    );
    expect(large, stdout).toBeGreaterThan(small);
    expect(small, stdout).toBeGreaterThan(0);
  }
  simulator.kill("SIGINT");
  await simulator.exit;
});
