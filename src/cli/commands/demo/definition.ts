import { defineCommand, flag } from "#src/cli/options/command-definition.ts";

export const demoCommand = defineCommand({
  name: "demo",
  group: "Run jobs",
  summary: "Try Sluice without keys: embed and search real text against a simulator",
  description:
    "Embeds and searches real text with a private Redis and a simulated provider. The demo needs no key and connects only to this machine.",
  arguments: [],
  options: {
    keep: flag("keep the vectors"),
    stay: flag("keep the dashboard running afterwards, until Ctrl-C"),
  },
  examples: ["sluice demo", "sluice demo --stay"],
});
