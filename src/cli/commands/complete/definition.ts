import { argument, defineCommand } from "#src/cli/options/command-definition.ts";

export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

export const completeCommand = defineCommand({
  name: "complete",
  group: "Operate",
  summary: "Print the completion script of a shell",
  description:
    "Prints a script that completes commands, options, and the names of models and runs when you press Tab. Load it in the start file of your shell: ~/.bashrc, ~/.zshrc, or $PROFILE; fish reads it from ~/.config/fish/completions/sluice.fish.",
  arguments: [argument("shell", "bash, zsh, fish, or powershell")],
  options: {},
  examples: [
    "sluice complete bash >> ~/.bashrc",
    "sluice complete zsh >> ~/.zshrc",
    "sluice complete fish > ~/.config/fish/completions/sluice.fish",
    "sluice complete powershell >> $PROFILE",
  ],
});
