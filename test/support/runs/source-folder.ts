import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Item } from "#src/core/item.ts";
import type { SourceOptions } from "#src/producer/input/source.ts";
import type { Plan } from "#src/producer/plan/plan.ts";
import { type PlanHooks, planItems } from "#src/producer/plan/plan-items.ts";
import { readItems } from "#src/producer/storage/read-items.ts";

/** A temporary folder of source files, and plans made from it. Disposing it deletes its files. */
export class SourceFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "sluice-sources-"));
  readonly workDir = mkdtempSync(join(tmpdir(), "sluice-work-"));

  write(name: string, content: string | Uint8Array): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  options(paths: readonly string[], options: Partial<SourceOptions> = {}): SourceOptions {
    return {
      paths,
      idField: "id",
      textField: "text",
      chunk: { tokens: 64, overlap: 8 },
      skipInvalid: false,
      cwd: this.path,
      ...options,
    };
  }

  plan(paths: readonly string[], options: Partial<SourceOptions> = {}, hooks: PlanHooks = {}): Promise<Plan> {
    return planItems(this.options(paths, options), this.workDir, hooks);
  }

  /** The planned items. Rejects if the plan has problems. */
  async items(paths: readonly string[], options: Partial<SourceOptions> = {}): Promise<Item[]> {
    const plan = await this.plan(paths, options);
    if (!plan.isAccepted) throw new Error(`plan rejected: ${JSON.stringify(plan.problems)}`);
    return collect(readItems(this.workDir));
  }

  /** "where: message" of every problem of a plan. */
  async problems(paths: readonly string[], options: Partial<SourceOptions> = {}): Promise<string[]> {
    const plan = await this.plan(paths, options);
    return plan.problems.map(({ where, message }) => `${where}: ${message}`);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
    rmSync(this.workDir, { recursive: true, force: true });
  }
}

export async function collect<T>(groups: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const group of groups) all.push(...group);
  return all;
}
