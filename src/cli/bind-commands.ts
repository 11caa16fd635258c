import { type BoundCommand, bindCommand, runCommandLine } from "./build-program.ts";
import { batchCommand } from "./commands/batch/definition.ts";
import { chatCommand } from "./commands/chat/definition.ts";
import { compareCommand } from "./commands/compare/definition.ts";
import { completeCommand } from "./commands/complete/definition.ts";
import { dashboardCommand, upCommand } from "./commands/dashboard/definition.ts";
import { demoCommand } from "./commands/demo/definition.ts";
import { doctorCommand } from "./commands/doctor/definition.ts";
import { embedCommand } from "./commands/embed/definition.ts";
import { evalCommand } from "./commands/eval/definition.ts";
import { initCommand } from "./commands/init/definition.ts";
import { itemsCommand } from "./commands/items/definition.ts";
import { keysCreateCommand, keysListCommand, keysRevokeCommand } from "./commands/keys/definition.ts";
import { modelsCommand } from "./commands/models/definition.ts";
import { cancelCommand, pauseCommand } from "./commands/pause-cancel/definition.ts";
import { pingCommand } from "./commands/ping/definition.ts";
import { providersCommand } from "./commands/providers/definition.ts";
import { reportCommand } from "./commands/report/definition.ts";
import { rerankCommand } from "./commands/rerank/definition.ts";
import { resumeCommand } from "./commands/resume/definition.ts";
import { retryCommand } from "./commands/retry/definition.ts";
import { runCommand } from "./commands/run/definition.ts";
import { runsCommand } from "./commands/runs/definition.ts";
import { cleanCommand, rmCommand } from "./commands/runs/remove/definition.ts";
import { renameCommand } from "./commands/runs/rename/definition.ts";
import { scoreCommand } from "./commands/score/definition.ts";
import { searchCommand } from "./commands/search/definition.ts";
import { serveCommand } from "./commands/serve/definition.ts";
import { setLimitCommand } from "./commands/set-limit/definition.ts";
import { simulateCommand } from "./commands/simulate/definition.ts";
import { verifyCommand } from "./commands/verify/definition.ts";
import { workerCommand } from "./commands/worker/definition.ts";
import type { CommandAction } from "./options/command-definition.ts";

/** All commands, in the order of the help within each group. */
export const COMMANDS: readonly BoundCommand[] = [
  bindCommand(embedCommand, async () => (await import("./commands/embed/embed.ts")).runEmbed),
  bindCommand(batchCommand, async () => (await import("./commands/batch/batch.ts")).runBatchFile),
  bindCommand(rerankCommand, async () => (await import("./commands/rerank/rerank.ts")).runRerank),
  bindCommand(evalCommand, async () => (await import("./commands/eval/eval.ts")).runEval),
  bindCommand(scoreCommand, async () => (await import("./commands/score/score.ts")).runScore),
  bindCommand(compareCommand, async () => (await import("./commands/compare/compare.ts")).runCompare),
  bindCommand(reportCommand, async () => (await import("./commands/report/report.ts")).runReport),
  bindCommand(chatCommand, async () => (await import("./commands/chat/chat.ts")).runChat),
  bindCommand(searchCommand, async () => (await import("./commands/search/search.ts")).runSearch),
  bindCommand(demoCommand, async () => (await import("./commands/demo/demo.ts")).runDemo),
  bindCommand(runsCommand, async () => (await import("./commands/runs/runs.ts")).runRuns),
  bindCommand(renameCommand, async () => (await import("./commands/runs/rename/rename.ts")).runRename),
  bindCommand(rmCommand, async () => (await import("./commands/runs/remove/rm.ts")).runRm),
  bindCommand(cleanCommand, async () => (await import("./commands/runs/remove/clean.ts")).runClean),
  bindCommand(runCommand, async () => (await import("./commands/run/run.ts")).runRun),
  bindCommand(pauseCommand, () => loadControl("pause")),
  bindCommand(resumeCommand, loadResume),
  bindCommand(cancelCommand, () => loadControl("cancel")),
  bindCommand(itemsCommand, async () => (await import("./commands/items/items.ts")).runItems),
  bindCommand(retryCommand, async () => (await import("./commands/retry/retry.ts")).runRetry),
  bindCommand(verifyCommand, async () => (await import("./commands/verify/verify.ts")).runVerify),
  bindCommand(providersCommand, async () => (await import("./commands/providers/providers.ts")).runProviders),
  bindCommand(modelsCommand, async () => (await import("./commands/models/models.ts")).runModels),
  bindCommand(pingCommand, async () => (await import("./commands/ping/ping.ts")).runPing),
  bindCommand(initCommand, async () => (await import("./commands/init/init.ts")).runInit),
  bindCommand(doctorCommand, async () => (await import("./commands/doctor/doctor.ts")).runDoctor),
  bindCommand(upCommand, async () => (await import("./commands/dashboard/up.ts")).runUp),
  bindCommand(dashboardCommand, async () => (await import("./commands/dashboard/dashboard.ts")).runDashboard),
  bindCommand(serveCommand, async () => (await import("./commands/serve/serve.ts")).runServe),
  bindCommand(workerCommand, async () => (await import("./commands/worker/worker.ts")).runWorker),
  bindCommand(setLimitCommand, async () => (await import("./commands/set-limit/set-limit.ts")).runSetLimit),
  bindCommand(keysCreateCommand, async () => (await import("./commands/keys/create-key.ts")).runCreateKey),
  bindCommand(keysListCommand, async () => (await import("./commands/keys/list-keys.ts")).runListKeys),
  bindCommand(keysRevokeCommand, async () => (await import("./commands/keys/revoke-key.ts")).runRevokeKey),
  bindCommand(completeCommand, async () => (await import("./commands/complete/complete.ts")).runComplete),
  bindCommand(simulateCommand, async () => (await import("./commands/simulate/simulate.ts")).runSimulate),
];

async function loadControl(action: "pause" | "cancel"): Promise<CommandAction<typeof pauseCommand>> {
  const { controlRun } = await import("./commands/pause-cancel/pause-cancel.ts");
  return (run, options) => controlRun(action, run, options);
}

async function loadResume(): Promise<CommandAction<typeof resumeCommand>> {
  const { resumeRun } = await import("./commands/resume/resume.ts");
  return (run, options) => resumeRun(run, options, (args, overrides) => runCommandLine(COMMANDS, args, overrides));
}
