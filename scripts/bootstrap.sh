#!/bin/sh
# Makes a checkout ready to run: npm packages, the dashboard's pages, a Redis server and, if wanted, a browser.
set -eu

usage() {
  cat <<'TEXT'
usage: sh scripts/bootstrap.sh [--browser] [--help]

Makes a checkout ready to run, and says nothing when it already is:
  1. npm ci, when node_modules is missing or older than package-lock.json;
  2. the dashboard's pages in dist/web, when they are missing or older than their sources;
  3. a redis-server or valkey-server of version 6.2 or later: the one SLUICE_REDIS_SERVER names, else one on PATH,
     else installed with the system's package manager (apt-get, dnf, apk, pacman, brew) when that works without
     asking for a password. The server is installed only: no system service is left running;
  4. with --browser, a Chromium for the tests of the dashboard: the one SLUICE_BROWSER names, else one on PATH, else
     installed like the server. Where that does not work, one sentence says so, and those tests are skipped.

With REDIS_URL set, no Redis is looked for, installed or started.
Exit code: 0 ready, 1 something is missing (one sentence says what to do), 2 wrong usage.
TEXT
}

say() { echo "bootstrap: $*" >&2; }
die() {
  say "$*"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Set while something is held that must be given back, however the script ends.
locked=
policy_written=
log=
root=
# Why the last attempt to install something came to nothing.
obstacle=

clean_up() {
  [ -z "$policy_written" ] || $root rm -f "$policy"
  [ -z "$log" ] || rm -f "$log"
  [ -z "$locked" ] || rm -rf "$lock"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- one at a time: two first starts of one checkout must not install into each other -------------------------------

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
    # A directory without a pid belongs to a process that is just writing it, or was killed while doing so.
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

# npm writes .package-lock.json last, so without it an installation was cut short. A package-lock.json that is newer
# than it came with a later checkout; the stamp sees changes that kept an old time.
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
  have npm || die "npm is not on PATH: install Node.js 20 or later with npm (https://nodejs.org)"
  take_lock
  if ! packages_current; then
    say "installing npm packages (npm ci); the first time takes up to a minute"
    npm ci --loglevel=error --no-fund --no-audit >&2 || die "npm ci failed; its message is above"
    [ -x node_modules/.bin/node ] ||
      die "npm ci installed no node_modules/.bin/node: allow install scripts (npm config get ignore-scripts)"
  fi
  cp package-lock.json "$stamp"
}

# --- the dashboard's pages -------------------------------------------------------------------------------------------

pages_current() {
  [ -f dist/web/index.html ] &&
    [ -z "$(find src/dashboard/web scripts/build-web.ts package-lock.json -newer dist/web/index.html | head -n 1)" ]
}

build_pages() {
  ! pages_current || return 0
  take_lock
  pages_current || node_modules/.bin/node scripts/build-web.ts --silent >&2 ||
    die "the dashboard's pages cannot be built; the message is above"
}

# --- Redis ----------------------------------------------------------------------------------------------------------

# Prints the server to use; fails when there is none.
find_redis() {
  if [ -n "${SLUICE_REDIS_SERVER:-}" ]; then
    command -v "$SLUICE_REDIS_SERVER" ||
      die "SLUICE_REDIS_SERVER names no program: $SLUICE_REDIS_SERVER"
    return
  fi
  command -v redis-server || command -v valkey-server
}

check_version() {
  version=$("$1" --version 2>/dev/null | sed -n 's/.* v=\([0-9][0-9.]*\).*/\1/p')
  [ -n "$version" ] || die "$1 does not answer --version like a Redis or Valkey server"
  major=${version%%.*}
  rest=${version#*.}
  minor=${rest%%.*}
  if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
    die "$1 is version $version, and 6.2 or later is needed: install a newer one" \
      "(https://redis.io/docs/latest/operate/oss_and_stack/install/), name it in SLUICE_REDIS_SERVER, or set REDIS_URL"
  fi
}

# Says first why there is none: nothing to install it with, no way without a password, or a manager that failed.
how_to_get_redis() {
  say "no redis-server or valkey-server (6.2 or later) was found, and $1."
  cat >&2 <<'TEXT'
Get one, then run this again; or set REDIS_URL to a Redis you have, or SLUICE_REDIS_SERVER to a server's path.
  Debian, Ubuntu:  sudo apt-get install redis-server
  Fedora, RHEL:    sudo dnf install valkey   (older: sudo dnf install redis)
  Alpine:          sudo apk add redis
  Arch:            sudo pacman -S valkey
  macOS:           brew install redis
  Windows:         work inside WSL (wsl --install), then as on Ubuntu
TEXT
}

# Finds out how to act as root without asking: empty prefix, sudo, or failure.
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

# Debian starts a service as soon as it is installed, unless this file says no (exit 101).
forbid_service_start() {
  if [ -e "$policy" ] && ! grep -q 'sluice bootstrap' "$policy" 2>/dev/null; then
    return 0
  fi
  policy_written=yes
  $root sh -c "printf '#!/bin/sh\n# sluice bootstrap: no service starts while redis-server is installed\nexit 101\n' >$policy && chmod 755 $policy"
}

apt_install() {
  $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "$@"
}

apt_update() {
  $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 update ||
    say "apt-get update failed in part; trying with the package lists there are"
}

with_apt() {
  apt_update
  forbid_service_start
  apt_install redis-server || return 1
  if have systemctl; then
    $root systemctl disable redis-server.service || true
  fi
}

with_manager() {
  case $1 in
    brew) HOMEBREW_NO_AUTO_UPDATE=1 brew install --quiet redis ;;
    apt-get) with_apt ;;
    dnf) $root dnf install -y -q valkey || $root dnf install -y -q redis ;;
    apk) $root apk add --no-cache redis || $root apk add --no-cache valkey ;;
    pacman) $root pacman -S --noconfirm --needed valkey || $root pacman -S --noconfirm --needed redis ;;
  esac
}

# Finds the package manager, and how to use it without asking; fails when there is no such way.
find_manager() {
  manager=
  for candidate in brew apt-get dnf apk pacman; do
    if have "$candidate"; then
      manager=$candidate
      break
    fi
  done
  if [ -z "$manager" ]; then
    obstacle="no package manager that could install it was found"
    return 1
  fi
  # Homebrew refuses to run as root and needs no root.
  [ "$manager" = brew ] || find_root || {
    obstacle="$manager cannot install it without asking for a password"
    return 1
  }
}

install_redis() {
  find_manager || return 1
  say "installing a Redis server with $manager"
  log=$(mktemp)
  if ! with_manager "$manager" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    obstacle="$manager could not install it; its last words are above"
    return 1
  fi
  hash -r
  obstacle="what $manager installed is not on PATH"
}

ensure_redis() {
  [ -z "${REDIS_URL:-}" ] || return 0
  if ! server=$(find_redis); then
    [ -z "${SLUICE_REDIS_SERVER:-}" ] || exit 1
    take_lock
    if ! server=$(find_redis); then
      install_redis && server=$(find_redis) || {
        how_to_get_redis "$obstacle"
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

browser_with_manager() {
  case $1 in
    apt-get)
      apt_update
      apt_install chromium fonts-dejavu-core
      ;;
    dnf) $root dnf install -y -q chromium ;;
    apk) $root apk add --no-cache chromium ;;
    pacman) $root pacman -S --noconfirm --needed chromium ;;
    # Homebrew brings browsers as applications, which is more than a test should change on somebody's machine.
    *) return 1 ;;
  esac
}

install_browser() {
  [ -z "${SLUICE_BROWSER:-}" ] && find_manager && [ "$manager" != brew ] || return 1
  say "installing Chromium with $manager, for the tests of the dashboard; this takes up to some minutes"
  log=$(mktemp)
  if ! browser_with_manager "$manager" >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    return 1
  fi
  hash -r
}

# A missing browser is no error: everything but the tests of the pages can do without.
ensure_browser() {
  ! find_browser >/dev/null || return 0
  take_lock
  { find_browser || { install_browser && find_browser; }; } >/dev/null ||
    say "NO BROWSER: the tests of the dashboard's pages will be skipped. Install Chromium (Debian: sudo apt-get" \
      "install chromium), or name a Chromium or Chrome in SLUICE_BROWSER (now: ${SLUICE_BROWSER:-unset})."
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
build_pages
ensure_redis
[ -z "$browser" ] || ensure_browser
