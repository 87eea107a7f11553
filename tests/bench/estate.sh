#!/bin/sh
# How long the conversion of many files takes, and how much memory: estate.sh [FILES [XENCLOCK]].
#
# Converts copies of docs/examples/windows.xml, each with a name, UUID and MAC address of its own: a tenth of them first,
# then all. The memory of the two runs differs only by a few hundred bytes a file.
set -eu
files=${1:-10000}
root=$(cd "$(dirname "$0")/../.." && pwd)
xenclock=${2:-$root/target/release/xenclock}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/few" "$work/all"
awk -v files="$files" -v work="$work" '
    { text = text $0 "\n" }
    END {
        for (i = 0; i < files; i++) {
            copy = text
            gsub(/<name>windows/, sprintf("<name>guest%05d", i), copy)
            gsub(/2f0c5a4f7b11/, sprintf("2f0c5a%06x", i), copy)
            gsub(/00:16:3e:5e:6c:00/, sprintf("00:16:3e:%02x:%02x:00", int(i / 256) % 128, i % 256), copy)
            name = sprintf("guest%05d.xml", i)
            printf "%s", copy > (work "/all/" name)
            close(work "/all/" name)
            if (i % 10 == 0) {
                printf "%s", copy > (work "/few/" name)
                close(work "/few/" name)
            }
        }
    }' "$root/docs/examples/windows.xml"

run() {
    # Wall seconds, CPU seconds and the largest resident set, as the kernel counts them.
    python3 - "$@" <<'PYTHON'
import os, resource, subprocess, sys, time
start = time.monotonic()
done = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL)
wall = time.monotonic() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"  {sys.argv[1]:<28} {wall:6.2f} s wall, {used.ru_utime + used.ru_stime:6.2f} s CPU, "
      f"{used.ru_maxrss / 1024:6.1f} MiB, exit status {done.returncode}")
PYTHON
}

echo "$files files, $(nproc) CPUs:"
run "a tenth, written" "$xenclock" convert -o "$work/few.out" "$work/few"
run "all, written" "$xenclock" convert -o "$work/all.out" "$work/all"
run "all, written over" "$xenclock" convert -o "$work/all.out" "$work/all"
run "all, table alone" "$xenclock" -N convert -o "$work/none" "$work/all"
run "all, with a SARIF report" "$xenclock" convert --report "$work/all.sarif" "$work/all"
