import type { UserTransition } from "#src/state/runs/run-transitions.ts";
import { type BoundCommand, bindCommand } from "./build-program.ts";
import { batchCommand } from "./definitions/batch.ts";
import { chatCommand } from "./definitions/chat.ts";
import { cancelCommand, pauseCommand, resumeCommand } from "./definitions/control-run.ts";
import { dashboardCommand, upCommand } from "./definitions/dashboard.ts";
import { demoCommand } from "./definitions/demo.ts";
import { doctorCommand } from "./definitions/doctor.ts";
import { embedCommand } from "./definitions/embed.ts";
import { modelsCommand } from "./definitions/models.ts";
import { pingCommand } from "./definitions/ping.ts";
import { providersCommand } from "./definitions/providers.ts";
import { retryCommand } from "./definitions/retry.ts";
import { runCommand } from "./definitions/run.ts";
import { runsCommand } from "./definitions/runs.ts";
import { searchCommand } from "./definitions/search.ts";
import { setLimitCommand } from "./definitions/set-limit.ts";
import { simulateCommand } from "./definitions/simulate.ts";
import { workerCommand } from "./definitions/worker.ts";
import type { CommandAction } from "./options/command-definition.ts";

/** All commands, in the order of the help within each group. */
export const COMMANDS: readonly BoundCommand[] = [
  bindCommand(embedCommand, async () => (await import("./commands/embed.ts")).runEmbed),
  bindCommand(batchCommand, async () => (await import("./commands/batch.ts")).runBatchFile),
  bindCommand(chatCommand, async () => (await import("./commands/chat.ts")).runChat),
  bindCommand(searchCommand, async () => (await import("./commands/search.ts")).runSearch),
  bindCommand(demoCommand, async () => (await import("./commands/demo.ts")).runDemo),
  bindCommand(runsCommand, async () => (await import("./commands/runs.ts")).runRuns),
  bindCommand(runCommand, async () => (await import("./commands/run.ts")).runRun),
  bindCommand(pauseCommand, () => loadControl("pause")),
  bindCommand(resumeCommand, () => loadControl("resume")),
  bindCommand(cancelCommand, () => loadControl("cancel")),
  bindCommand(retryCommand, async () => (await import("./commands/retry.ts")).runRetry),
  bindCommand(providersCommand, async () => (await import("./commands/providers.ts")).runProviders),
  bindCommand(modelsCommand, async () => (await import("./commands/models.ts")).runModels),
  bindCommand(pingCommand, async () => (await import("./commands/ping.ts")).runPing),
  bindCommand(doctorCommand, async () => (await import("./commands/doctor.ts")).runDoctor),
  bindCommand(upCommand, async () => (await import("./commands/up.ts")).runUp),
  bindCommand(dashboardCommand, async () => (await import("./commands/dashboard.ts")).runDashboard),
  bindCommand(workerCommand, async () => (await import("./commands/worker.ts")).runWorker),
  bindCommand(setLimitCommand, async () => (await import("./commands/set-limit.ts")).runSetLimit),
  bindCommand(simulateCommand, async () => (await import("./commands/simulate.ts")).runSimulate),
];

async function loadControl(action: UserTransition): Promise<CommandAction<typeof pauseCommand>> {
  const { controlRun } = await import("./commands/control-run.ts");
  return (run, options) => controlRun(action, run, options);
}
