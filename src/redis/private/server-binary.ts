import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { RunError } from "#src/core/errors.ts";
import { compareVersions } from "#src/redis/check-server-rules.ts";

const run = promisify(execFile);

const MIN_VERSION = "6.2";

const INSTALL_HINT = `Set REDIS_URL to a Redis you have, or install one:
  Debian, Ubuntu:  sudo apt-get install redis-server
  Fedora, RHEL:    sudo dnf install valkey   (older: sudo dnf install redis)
  Alpine:          sudo apk add redis
  Arch:            sudo pacman -S valkey
  macOS:           brew install redis
  Windows:         work inside WSL (wsl --install), then as on Ubuntu
or name the program in SLUICE_REDIS_SERVER.`;

/**
 * The absolute path of a usable `redis-server` or `valkey-server`: `given`, else the first on PATH. Throws a RunError
 * with one sentence per system when there is none, or when it is older than 6.2.
 */
export async function findServerBinary(given?: string): Promise<string> {
  const names = given === undefined ? ["redis-server", "valkey-server"] : [given];
  for (const name of names) {
    const path = await locate(name);
    if (path !== undefined) {
      await assertVersion(path);
      return path;
    }
  }
  throw new RunError(
    given === undefined
      ? "there is no redis-server or valkey-server on PATH to run a private Redis with"
      : `SLUICE_REDIS_SERVER names no program that can be run: ${given}`,
    INSTALL_HINT,
  );
}

async function locate(name: string): Promise<string | undefined> {
  try {
    const { stdout } = await run("/bin/sh", ["-c", 'command -v -- "$1"', "sh", name]);
    const path = stdout.trim();
    return path.startsWith("/") ? path : undefined;
  } catch {
    return undefined;
  }
}

async function assertVersion(path: string): Promise<void> {
  let output = "";
  try {
    output = (await run(path, ["--version"], { timeout: 10_000 })).stdout;
  } catch {
    // What it said, if anything, is judged below.
  }
  const version = / v=(\d+\.\d+(?:\.\d+)?)/.exec(output)?.[1];
  if (version === undefined) {
    throw new RunError(`${path} does not answer --version like a Redis or Valkey server`, INSTALL_HINT);
  }
  if (compareVersions(version, MIN_VERSION) < 0) {
    throw new RunError(`${path} is version ${version}, and ${MIN_VERSION} or later is needed`, INSTALL_HINT);
  }
}
