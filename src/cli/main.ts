import { Command, CommanderError, Option } from "commander";
import { describeError, EXIT_CODES } from "./exit-codes.ts";
import {
  parseNonNegativeInteger,
  parseNonNegativeNumber,
  parsePort,
  parsePositiveInteger,
  parseWorkerCount,
} from "./options/parse-option.ts";
import { addCoordinatorOptions, addRunOptions } from "./options/run-options.ts";
import { readVersion } from "./version.ts";

/** Parses the command line and runs one command; the exit code says how it ended. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  const program = createProgram();
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.couldNotComplete;
      return;
    }
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = EXIT_CODES.couldNotComplete;
  }
}

function createProgram(): Command {
  const program = new Command("sluice")
    .description("Runs LLM work in bulk: every provider at its limit, never over it, every item exactly once.")
    .version(readVersion(), "-V, --version")
    .option("--config <file>", "settings file to read instead of ./sluice.yaml")
    .showHelpAfterError("(sluice --help shows what there is)")
    .exitOverride();
  addEmbed(program);
  addChat(program);
  addBatch(program);
  addSearch(program);
  addRuns(program);
  addControl(program);
  addProviders(program);
  addServices(program);
  program.addHelpText("after", HELP_AFTER);
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError(`(sluice ${command.name()} --help)`);
  return program;
}

const HELP_AFTER = `
Exit codes: 0 all items succeeded, 1 some items failed, 2 could not start or had to stop, 130 interrupted.
Configuration: environment, .env and sluice.yaml; "sluice doctor" says what is missing.`;

function addEmbed(program: Command): void {
  const embed = program
    .command("embed")
    .description("embed files, folders or standard input; running the same command again resumes")
    .argument(
      "<path...>",
      "files, folders and globs of Markdown, text, HTML, JSONL, CSV, Parquet; - for JSONL on standard input",
    )
    .requiredOption("--model <provider/model>", "model to embed with, such as minimax/embo-01")
    .requiredOption("--out <dir>", "output folder; one run per folder")
    .addOption(
      new Option("--type <type>", "db: texts to be searched; query: texts to search with")
        .choices(["db", "query"])
        .default("db"),
    )
    .addOption(
      new Option("--format <format>", "form of the output").choices(["parquet", "jsonl", "npy"]).default("parquet"),
    )
    .option("--with-text", "put each item's text and metadata into the output", false)
    .option(
      "--chunk-tokens <n>",
      "split documents into chunks of at most this many tokens (estimated; default: 400, or half of what the model takes)",
      parsePositiveInteger,
    )
    .option("--chunk-overlap <n>", "tokens that neighbouring chunks share", parseNonNegativeInteger, 40)
    .option("--no-chunk", "one item per document or record, whatever its length")
    .option("--id-field <field>", "field of a JSONL, CSV or Parquet record that holds its id", "id")
    .option("--text-field <field>", "field that holds the text", "text");
  addRunOptions(embed, "items").action(async (paths: string[], options) => {
    const { runEmbed } = await import("./commands/embed.ts");
    process.exitCode = await runEmbed(paths, { ...options, config: program.opts().config });
  });
}

function addChat(program: Command): void {
  program
    .command("chat")
    .description("ask a model once, through the queue, and print its answer as it comes")
    .argument("<prompt>", "what to ask; - reads it from standard input")
    .requiredOption("--model <provider/model>", "chat model to ask, such as zhipu/glm-4-plus")
    .option("--system <text>", "system message before the prompt")
    .option("--max-tokens <n>", "tokens the answer may have", parsePositiveInteger)
    .option("--temperature <x>", "as the provider understands it", parseNonNegativeNumber)
    .option("--no-stream", "print the answer only when it is whole")
    .option(
      "--template",
      "as the provider's own conversation template has it: its usual system message, its plain form of prompts",
      false,
    )
    .option(
      "--workers <n>",
      "worker processes to start; by default one, unless a running one takes such jobs",
      parseWorkerCount,
    )
    .option("--json", "one JSON object per event on standard output", false)
    .action(async (prompt: string, options) => {
      const { runChat } = await import("./commands/chat.ts");
      process.exitCode = await runChat(prompt, { ...options, config: program.opts().config });
    });
}

function addBatch(program: Command): void {
  const batch = program
    .command("batch")
    .description("answer a file of requests in OpenAI's batch format, chat or embeddings; the same command resumes")
    .argument("<requests.jsonl>", "one request per line: custom_id, method, url, body; - for standard input")
    .requiredOption("--out <dir>", "output folder; one run per folder")
    .option(
      "--model <provider/model>",
      "ask this model, whatever the requests name; a provider alone is put before the models they name",
    );
  addRunOptions(batch, "requests").action(async (path: string, options) => {
    const { runBatchFile } = await import("./commands/batch.ts");
    process.exitCode = await runBatchFile(path, { ...options, config: program.opts().config });
  });
}

function addSearch(program: Command): void {
  program
    .command("search")
    .description("nearest records of a finished embedding run, by the same model")
    .argument("<dir>", "output folder of the run")
    .argument("<text>", "what to look for; - reads it from standard input")
    .option("-k, --top <n>", "how many records to show", parsePositiveInteger, 5)
    .option("--json", "one JSON object per record", false)
    .action(async (dir: string, text: string, options) => {
      const { runSearch } = await import("./commands/search.ts");
      process.exitCode = await runSearch(dir, text, { ...options, config: program.opts().config });
    });
}

function addRuns(program: Command): void {
  program
    .command("runs")
    .description("list the runs this Redis knows, or show one")
    .argument("[run]", "id of a run, or its output folder")
    .option("--json", "as JSON", false)
    .action(async (run: string | undefined, options) => {
      const { runRuns } = await import("./commands/runs.ts");
      process.exitCode = await runRuns(run, { ...options, config: program.opts().config });
    });
}

function addControl(program: Command): void {
  program
    .command("run")
    .description("live panel of a run that another process coordinates; ends when the run does")
    .argument("<run>", "id of a run, or its output folder")
    .option("--json", "one JSON object per event on standard output", false)
    .action(async (run: string, options) => {
      const { runRun } = await import("./commands/run.ts");
      process.exitCode = await runRun(run, { ...options, config: program.opts().config });
    });
  for (const [action, description] of [
    ["pause", "let a run's calls in flight end and start no further ones, until it is resumed"],
    ["resume", "let a paused run go on"],
    ["cancel", "end a run: what has no record yet becomes an error, and the output is written"],
  ] as const) {
    program
      .command(action)
      .description(description)
      .argument("<run>", "id of a run, or its output folder")
      .option("--json", "as JSON", false)
      .action(async (run: string, options) => {
        const { controlRun } = await import("./commands/control-run.ts");
        process.exitCode = await controlRun(action, run, { ...options, config: program.opts().config });
      });
  }
  const retry = program
    .command("retry")
    .description("take back a run's failed items and try them again; everything else stays as it is")
    .argument("<run>", "id of a run, or its output folder; finished or stopped")
    .option("--kind <kinds>", "only failures of these kinds, such as server,timeout")
    .option("--cause <cause>", "only failures of this cause, as the dashboard names it");
  addCoordinatorOptions(retry, "the whole run")
    .option("--json", "one JSON object per event on standard output", false)
    .action(async (run: string, options) => {
      const { runRetry } = await import("./commands/retry.ts");
      process.exitCode = await runRetry(run, { ...options, config: program.opts().config });
    });
  program
    .command("set-limit")
    .description("set a lane's limits for all workers while they run; wins over what is configured")
    .argument("<lane>", "provider/model, or provider:account/model")
    .option("--requests-per-minute <n>", "upstream calls", parsePositiveInteger)
    .option("--tokens-per-minute <n>", "tokens of all calls", parsePositiveInteger)
    .option("--concurrency <n>", "upstream calls in flight at once", parsePositiveInteger)
    .option("--clear", "first take back all limits that were set", false)
    .option("--json", "as JSON", false)
    .action(async (lane: string, options) => {
      const { runSetLimit } = await import("./commands/set-limit.ts");
      process.exitCode = await runSetLimit(lane, { ...options, config: program.opts().config });
    });
}

function addProviders(program: Command): void {
  program
    .command("models")
    .description("every known model: sizes, limits, prices, and what is missing to use it")
    .argument("[provider]", "only this provider's models")
    .option("--json", "as JSON", false)
    .action(async (provider: string | undefined, options) => {
      const { runModels } = await import("./commands/models.ts");
      process.exitCode = await runModels(provider, { ...options, config: program.opts().config });
    });
  program
    .command("providers")
    .description("every provider: accounts, addresses, and the variables that are missing")
    .option("--json", "as JSON", false)
    .action(async (options) => {
      const { runProviders } = await import("./commands/providers.ts");
      process.exitCode = await runProviders({ ...options, config: program.opts().config });
    });
  program
    .command("ping")
    .description("call a model once: time to first token, total, usage, or the error and its mend")
    .argument("<provider/model>", "such as minimax/MiniMax-M2 or minimax/embo-01")
    .option("--account <name>", "of several accounts; the first by default")
    .option("--json", "as JSON", false)
    .action(async (model: string, options) => {
      const { runPing } = await import("./commands/ping.ts");
      process.exitCode = await runPing(model, { ...options, config: program.opts().config });
    });
}

function addServices(program: Command): void {
  program
    .command("worker")
    .description("take jobs and call providers until stopped; start as many as you like, anywhere")
    .addOption(new Option("--child").hideHelp())
    .action(async (options) => {
      const { runWorker } = await import("./commands/worker.ts");
      process.exitCode = await runWorker({ ...options, config: program.opts().config });
    });
  addDashboard(program);
  program
    .command("simulate")
    .description("serve strict local doubles of the providers' protocols, and print the environment to use them")
    .option("--port <n>", "port to listen on; 0 takes a free one", parsePort, 8900)
    .option("--requests-per-minute <n>", "limit of the simulated account", parsePositiveInteger)
    .option("--tokens-per-minute <n>", "limit of the simulated account", parsePositiveInteger)
    .option("--concurrency <n>", "calls at once of the simulated account", parsePositiveInteger)
    .option("--latency <ms>", "time each call takes", parseNonNegativeInteger, 150)
    .option("--jitter <ms>", "up to this much more", parseNonNegativeInteger, 50)
    .action(async (options) => {
      const { runSimulate } = await import("./commands/simulate.ts");
      process.exitCode = await runSimulate(options);
    });
  program
    .command("doctor")
    .description("check Redis, versions, keys and limits: what is wrong, and the mend")
    .option("--json", "as JSON", false)
    .action(async (options) => {
      const { runDoctor } = await import("./commands/doctor.ts");
      process.exitCode = await runDoctor({ ...options, config: program.opts().config });
    });
  program
    .command("demo")
    .description("embed and search real text with private Redis and simulator; needs no key and no network")
    .option("--keep", "keep the vectors", false)
    .option("--stay", "leave the dashboard open afterwards, until Ctrl-C", false)
    .action(async (options) => {
      const { runDemo } = await import("./commands/demo.ts");
      process.exitCode = await runDemo(options);
    });
}

function addDashboard(program: Command): void {
  const address = (command: Command): Command =>
    command
      .option("--port <n>", "port to listen on; 0 takes a free one", parsePort, 8787)
      .option("--host <name>", "address to listen on; any but this machine's own needs a password", "127.0.0.1");
  address(
    program.command("dashboard").description("serve pages that show runs, lanes, queues and workers, and act on them"),
  ).action(async (options) => {
    const { runDashboard } = await import("./commands/dashboard.ts");
    process.exitCode = await runDashboard({ ...options, config: program.opts().config });
  });
  address(
    program
      .command("up")
      .description("dashboard, workers and, without REDIS_URL, the private Redis together, until Ctrl-C"),
  )
    .option("--workers <n>", "worker processes to start", parseWorkerCount)
    .action(async (options) => {
      const { runUp } = await import("./commands/up.ts");
      process.exitCode = await runUp({ ...options, config: program.opts().config });
    });
}
