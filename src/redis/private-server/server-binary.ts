import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { RunError } from "#src/core/failures/errors.ts";
import { compareVersions, MIN_SERVER_VERSION } from "#src/redis/check-server-rules.ts";

const run = promisify(execFile);

const INSTALL_HINT = `Set REDIS_URL to an existing Redis, or install one:
  Debian, Ubuntu:  sudo apt-get install redis-server
  Fedora, RHEL:    sudo dnf install valkey   (older: sudo dnf install redis)
  Alpine:          sudo apk add redis
  Arch:            sudo pacman -S valkey
  macOS:           brew install redis
  Windows:         use WSL (wsl --install), then as on Ubuntu
or set SLUICE_REDIS_SERVER to the path of a redis-server.`;

/**
 * The absolute path of `given`, or of the first `redis-server` or `valkey-server` on PATH. Throws a RunError with
 * installation instructions if there is none, or if it is older than 6.2.
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
      ? "neither redis-server nor valkey-server is on PATH, so no private Redis can be started"
      : `SLUICE_REDIS_SERVER is not an executable program: ${given}`,
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
    // Without output, the version check below fails.
  }
  const version = / v=(\d+\.\d+(?:\.\d+)?)/.exec(output)?.[1];
  if (version === undefined) {
    throw new RunError(`${path} --version does not print the version of a Redis or Valkey server`, INSTALL_HINT);
  }
  if (compareVersions(version, MIN_SERVER_VERSION) < 0) {
    throw new RunError(`${path} is version ${version}, but ${MIN_SERVER_VERSION} or later is required`, INSTALL_HINT);
  }
}
