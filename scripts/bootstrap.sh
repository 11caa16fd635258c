#!/bin/sh
# Prepares a checkout: npm packages, the dashboard's pages, a Redis server, and optionally a browser.
set -eu

usage() {
  cat <<'TEXT'
usage: sh scripts/bootstrap.sh [--browser] [--help]

Prepares a checkout. Prints nothing if everything is already in place.
  1. Runs npm ci if node_modules is missing or older than package-lock.json. Deletes the compile cache in
     node_modules/.cache/sluice if it is larger than 200 MB.
  2. Builds the dashboard's pages (dist/web) and the template of reports (dist/report.html) if they are missing or older
     than their sources.
  3. Finds redis-server or valkey-server, version 6.2 or later: SLUICE_REDIS_SERVER if set, otherwise on PATH. If there
     is none, installs it with the system's package manager (apt-get, dnf, apk, pacman or brew), if that is possible
     without a password. Does not start a system service. Skips this step if REDIS_URL is set.
  4. With --browser, finds Chromium or Chrome for the tests of the dashboard: SLUICE_BROWSER if set, otherwise on PATH.
     If there is none, installs Chromium with the package manager (not with brew). If that fails, prints a warning;
     those tests are skipped.

Options:
  --browser     also find or install a browser
  -h, --help    show this help

Exit codes: 0 ready, 1 a requirement is missing (the message says what to do), 2 invalid usage.
TEXT
}

say() { echo "bootstrap: $*" >&2; }
die() {
  say "$*"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Non-empty while there is something to clean up when the script ends.
locked=
policy_written=
log=
root=
# Why the last attempt to install something failed.
failure=

clean_up() {
  [ -z "$policy_written" ] || $root rm -f "$policy"
  [ -z "$log" ] || rm -f "$log"
  [ -z "$locked" ] || rm -rf "$lock"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- lock: two concurrent first starts of one checkout must not install at the same time ----------------------------

lock=.sluice/bootstrap.lock

take_lock() {
  [ -z "$locked" ] || return 0
  mkdir -p .sluice
  waited=0
  until mkdir "$lock" 2>/dev/null; do
    owner=$(cat "$lock/pid" 2>/dev/null || true)
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
      rm -rf "$lock"
      continue
    fi
    # If the directory contains no PID, its owner is about to write it, or was killed before it could.
    if [ -z "$owner" ] && [ "$waited" -ge 10 ]; then
      rm -rf "$lock"
      continue
    fi
    [ "$waited" -gt 0 ] || say "waiting for another bootstrap of this checkout (process ${owner:-unknown})"
    waited=$((waited + 1))
    sleep 1
  done
  locked=yes
  echo $$ >"$lock/pid"
}

# --- npm packages ---------------------------------------------------------------------------------------------------

stamp=node_modules/.sluice-lock

# npm writes .package-lock.json last: if it is missing, the installation was interrupted; if package-lock.json is newer,
# it has changed since. The stamp (a copy of package-lock.json) detects changes that do not update the time.
packages_current() {
  [ -x node_modules/.bin/node ] && [ -f node_modules/.package-lock.json ] || return 1
  if [ -f "$stamp" ]; then
    cmp -s package-lock.json "$stamp"
  else
    [ -z "$(find package-lock.json -newer node_modules/.package-lock.json)" ]
  fi
}

install_packages() {
  ! packages_current || return 0
  have npm || die "npm is not on PATH. Install Node.js 24 or later with npm (https://nodejs.org)"
  take_lock
  if ! packages_current; then
    say "installing npm packages (npm ci); the first time, this takes a minute or two"
    npm ci --loglevel=error --no-fund --no-audit >&2 || die "npm ci failed (see its output above)"
    [ -x node_modules/.bin/node ] ||
      die "npm ci did not install node_modules/.bin/node. Allow install scripts (npm config get ignore-scripts must print false)."
  fi
  cp package-lock.json "$stamp"
}

# --- the compile cache ----------------------------------------------------------------------------------------------

compile_cache=node_modules/.cache/sluice

# Node adds an entry for every version of every source file and never removes one. A deleted entry is compiled again.
limit_compile_cache() {
  [ -d "$compile_cache" ] || return 0
  [ "$(du -sk "$compile_cache" | cut -f 1)" -le 204800 ] || rm -rf "$compile_cache"
}

# --- the dashboard's pages -------------------------------------------------------------------------------------------

pages_current() {
  [ -f dist/web/index.html ] && [ -f dist/report.html ] &&
    [ -z "$(find src/dashboard/web src/evaluation scripts/build-web.ts scripts/build-web package-lock.json \
      -newer dist/report.html | head -n 1)" ]
}

build_pages() {
  ! pages_current || return 0
  take_lock
  pages_current || node_modules/.bin/node scripts/build-web.ts --silent >&2 ||
    die "could not build the dashboard's pages (see the error above)"
}

# --- Redis ----------------------------------------------------------------------------------------------------------

# Prints the path of the server to use; fails if there is none.
find_redis() {
  if [ -n "${SLUICE_REDIS_SERVER:-}" ]; then
    command -v "$SLUICE_REDIS_SERVER" ||
      die "SLUICE_REDIS_SERVER is not an executable: $SLUICE_REDIS_SERVER"
    return
  fi
  command -v redis-server || command -v valkey-server
}

check_version() {
  version=$("$1" --version 2>/dev/null | sed -n 's/.* v=\([0-9][0-9.]*\).*/\1/p')
  [ -n "$version" ] || die "$1 is not a Redis or Valkey server: cannot read its version from --version"
  major=${version%%.*}
  rest=${version#*.}
  minor=${rest%%.*}
  if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
    die "$1 is version $version, but Sluice requires 6.2 or later. Install a newer version" \
      "(https://redis.io/docs/latest/operate/oss_and_stack/install/), set SLUICE_REDIS_SERVER to its path, or set REDIS_URL."
  fi
}

# $1: why it could not be installed.
explain_redis_setup() {
  say "no redis-server or valkey-server (6.2 or later) was found, and $1."
  cat >&2 <<'TEXT'
Install one and run this again, or set REDIS_URL to an existing Redis, or SLUICE_REDIS_SERVER to the path of a server.
  Debian, Ubuntu:  sudo apt-get install redis-server
  Fedora, RHEL:    sudo dnf install valkey   (older: sudo dnf install redis)
  Alpine:          sudo apk add redis
  Arch:            sudo pacman -S valkey
  macOS:           brew install redis
  Windows:         use WSL (wsl --install), then as on Ubuntu
TEXT
}

# Sets $root to the prefix of commands that need root: empty, or sudo without a password. Fails if neither works.
find_root() {
  if [ "$(id -u)" = 0 ]; then
    root=
  elif have sudo && sudo -n true 2>/dev/null; then
    root="sudo -n"
  else
    return 1
  fi
}

policy=/usr/sbin/policy-rc.d

# Debian starts a service when its package is installed, unless this file forbids it (exit code 101).
forbid_service_start() {
  if [ -e "$policy" ] && ! grep -q 'sluice bootstrap' "$policy" 2>/dev/null; then
    return 0
  fi
  policy_written=yes
  $root sh -c "printf '#!/bin/sh\n# sluice bootstrap: do not start services while redis-server is being installed\nexit 101\n' >$policy && chmod 755 $policy"
}

apt_install() {
  $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "$@"
}

apt_update() {
  $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 update ||
    say "apt-get update failed partly; continuing with the existing package lists"
}

install_redis_with_apt() {
  apt_update
  forbid_service_start
  apt_install redis-server || return 1
  if have systemctl; then
    $root systemctl disable redis-server.service || true
  fi
}

install_redis_with() {
  case $1 in
    brew) HOMEBREW_NO_AUTO_UPDATE=1 brew install --quiet redis ;;
    apt-get) install_redis_with_apt ;;
    dnf) $root dnf install -y -q valkey || $root dnf install -y -q redis ;;
    apk) $root apk add --no-cache redis || $root apk add --no-cache valkey ;;
    pacman) $root pacman -S --noconfirm --needed valkey || $root pacman -S --noconfirm --needed redis ;;
  esac
}

# Sets $manager to the package manager. Fails and sets $failure if there is none that works without a password.
find_manager() {
  manager=
  for candidate in brew apt-get dnf apk pacman; do
    if have "$candidate"; then
      manager=$candidate
      break
    fi
  done
  if [ -z "$manager" ]; then
    failure="no supported package manager was found"
    return 1
  fi
  # Homebrew refuses to run as root.
  [ "$manager" = brew ] || find_root || {
    failure="$manager cannot install it without a password"
    return 1
  }
}

install_redis() {
  find_manager || return 1
  say "installing a Redis server with $manager"
  log=$(mktemp)
  if ! install_redis_with "$manager" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    failure="$manager could not install it (see its output above)"
    return 1
  fi
  hash -r
  failure="the server that $manager installed is not on PATH"
}

ensure_redis() {
  [ -z "${REDIS_URL:-}" ] || return 0
  if ! server=$(find_redis); then
    [ -z "${SLUICE_REDIS_SERVER:-}" ] || exit 1
    take_lock
    if ! server=$(find_redis); then
      install_redis && server=$(find_redis) || {
        explain_redis_setup "$failure"
        exit 1
      }
    fi
  fi
  check_version "$server"
}

# --- a browser for tests --------------------------------------------------------------------------------------------

find_browser() {
  if [ -n "${SLUICE_BROWSER:-}" ]; then
    command -v "$SLUICE_BROWSER"
    return
  fi
  command -v chromium || command -v chromium-browser || command -v google-chrome || command -v google-chrome-stable
}

install_browser_with() {
  case $1 in
    apt-get)
      apt_update
      apt_install chromium fonts-dejavu-core
      ;;
    dnf) $root dnf install -y -q chromium ;;
    apk) $root apk add --no-cache chromium ;;
    pacman) $root pacman -S --noconfirm --needed chromium ;;
    # Homebrew installs browsers as applications: too large a change to a machine for the sake of tests.
    *) return 1 ;;
  esac
}

install_browser() {
  [ -z "${SLUICE_BROWSER:-}" ] && find_manager && [ "$manager" != brew ] || return 1
  say "installing Chromium with $manager for the tests of the dashboard; this can take several minutes"
  log=$(mktemp)
  if ! install_browser_with "$manager" >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    return 1
  fi
  hash -r
}

# A missing browser is not an error: only the tests of the dashboard's pages need it.
ensure_browser() {
  ! find_browser >/dev/null || return 0
  take_lock
  { find_browser || { install_browser && find_browser; }; } >/dev/null ||
    say "NO BROWSER: the tests of the dashboard's pages will be skipped. Install Chromium (Debian: sudo apt-get" \
      "install chromium), or set SLUICE_BROWSER to the path of Chromium or Chrome (now: ${SLUICE_BROWSER:-unset})."
}

browser=
case ${1:-} in
  '') ;;
  --browser) browser=yes ;;
  -h | --help)
    usage
    exit 0
    ;;
  *)
    usage >&2
    exit 2
    ;;
esac

cd "$(dirname "$0")/.."
install_packages
limit_compile_cache
build_pages
ensure_redis
[ -z "$browser" ] || ensure_browser
