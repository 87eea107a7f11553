# What the host's scripts share. Sourced after `set -euo pipefail`.
# shellcheck shell=bash

xen_tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # for the scripts that source this
project=$(cd "$xen_tests/../.." && pwd)

say() { printf 'tests/xen: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Sets what depends on the suite $1.
settings() {
  suite=$1
  case $suite in
    bookworm) xen=4.17 ;;
    trixie) xen=4.20 ;;
    *) say "not a suite that this knows: $suite"; exit 2 ;;
  esac
  cache=${XENCLOCK_XEN_CACHE:-${TMPDIR:-/tmp}/xenclock-xen}/$suite
  mkdir -p "$cache"
}

# The suite of the machine that this runs on.
host_suite() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release; }

# The archive that serves this machine's own Debian packages.
archive() {
  if [ -n "${XENCLOCK_DEBIAN_ARCHIVE:-}" ]; then
    echo "$XENCLOCK_DEBIAN_ARCHIVE"
    return
  fi
  # shellcheck disable=SC2016 # apt expands these
  apt-get indextargets --format '$(REPO_URI) $(CODENAME)' \
    'Created-By: Packages' 'Origin: Debian' 'Component: main' |
    awk '$2 !~ /-/ && !done { print $1; done = 1 }'
}

# "URI RELEASE" of the updates to the suite that this machine's apt knows: what is built here may need them.
updates() {
  # shellcheck disable=SC2016 # apt expands these
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
    'Created-By: Packages' 'Origin: Debian' 'Component: main' | grep " $suite-" || true
}

# Of the suite's Xen, for compiling what runs in dom0: sets `sysroot`, empty
# where this machine's own libxen-dev is of the same suite.
need_sysroot() {
  sysroot=
  [ "$suite" != "$(host_suite)" ] || return 0
  sysroot=$cache/sysroots/$suite
  [ -x "$sysroot/run" ] || "$project/tests/sysroots" "$cache/sysroots" "$suite"
}
