# shellcheck shell=bash
# A guest's clock over the guest's life: with stock xl alone, where it is lost, and kept by us. Each case is a function
# that takes facts; what it expects stands beside it in run_keep.

keep_uuid=6ba7b810-9dad-41d1-80b4-00c04fd430c8
events=$out/events

# keep_cfg [GUEST] SETTINGS: an xl.cfg of the guest `keeper`, which reboots; settings with ; between them.
keep_cfg() {
  domain_cfg keeper "$1" "uuid = \"$keep_uuid\";on_reboot = \"restart\";$2" > "$dir/keeper.cfg"
  [ "$1" != hvm ] || echo 'vkb_device = 0' >> "$dir/keeper.cfg"
  echo "$dir/keeper.cfg"
}

# An order to the guest, and what it then sees.
keeper() { obey keeper "$1"; }
see() { look keeper "${1:-hvm}"; }

start_keeper() { run_command xl create -q "$1"; }

# The service, in the background: its events go to one file for all cases.
service_pid=
service() {
  xenclock clock-watch --period 2 >> "$events" 2>> "$out/service.log" < /dev/null &
  service_pid=$!
  sleep 3
}
end_service() {
  [ -n "$service_pid" ] || return 0
  kill "-${1:-TERM}" "$service_pid"
  wait "$service_pid" 2> /dev/null
  service_pid=
}

# told EVENT [FILTER]: how many such events there have been since the case began.
told() { tail -n "+$((events_before + 1))" "$events" 2> /dev/null | jq -c "select(.event == \"$1\" and (${2:-true}))" | wc -l; }

# await EVENT [FILTER]: waits for one.
await() {
  for _ in {1..60}; do
    [ "$(told "$@")" = 0 ] || return 0
    sleep 0.5
  done
  return 1
}

# Ends the guest's domain, and that of a migration that came to nothing; also one that its monitor starts meanwhile.
no_keeper() {
  local end=$((SECONDS + 90))
  while xl domid keeper || xl domid keeper--incoming; do
    xl destroy keeper
    xl destroy keeper--incoming
    [ $SECONDS -lt $end ] || return 1
    sleep 0.5
  done > /dev/null 2>&1
}

# Nothing is remembered of guests that were there before.
forget() { rm -f /var/lib/xenclock/"$keep_uuid".json; }

clock_set() { xenclock clock-set "$keep_uuid" "$@" > "$dir/clock-set" 2>&1; }

# Busy loops in dom0, ended by their own pids.
load_pids=()
load() {
  for _ in 1 2 3; do
    while :; do :; done &
    load_pids+=($!)
  done
}
end_load() {
  kill "${load_pids[@]}"
  wait "${load_pids[@]}" 2> /dev/null
  load_pids=()
}

# Without us.

off_reboot() { start_keeper "$(keep_cfg hvm 'rtc_timeoffset = 3600')" && keeper rtc-add\ 20,reboot && see; }
# saved SETTINGS: the guest has set its RTC, is saved and restored. moved SETTINGS: it goes to this same host.
saved() {
  start_keeper "$(keep_cfg hvm "$1")" && keeper rtc-add\ 20 && run_command xl save keeper /tmp/saved &&
    run_command xl restore /tmp/saved && see
}
moved() {
  start_keeper "$(keep_cfg hvm "$1")" && keeper rtc-add\ 20 && run_command xl migrate -s '' keeper 'xl migrate-receive' && see
}
off_restore() { saved 'rtc_timeoffset = 3600'; }
off_restore_localtime() { set_zone Europe/Berlin; saved 'localtime = 1'; }
off_restore_no_offset() { saved ''; }
# to_another_zone RESTORER: a guest on local time, saved by xl and restored where the zone is another.
to_another_zone() {
  set_zone Europe/Berlin
  start_keeper "$(keep_cfg hvm 'localtime = 1')" && keeper rtc-add\ 20 && run_command xl save keeper /tmp/saved || return
  set_zone America/St_Johns
  run_command "$1" restore /tmp/saved && see
}
off_zone() { to_another_zone xl; }
off_tsc() {
  make_domain xl+1+1000000 keeper "$(keep_cfg hvm 'tsc_mode = "always_emulate"')" && keeper reboot && see
}
off_migrate() { moved 'rtc_timeoffset = 3600'; }
off_migrate_no_offset() { moved ''; }

# With the service.

# started SETTINGS: the guest of the cases that follow, its clock asked for by clock-set.
started() {
  clock_set rtc_timeoffset=3600 tsc_mode=always_emulate clock_tsc_frequency=1000000000
  start_keeper "$(keep_cfg "${1:-hvm}" "${2:-}")"
}
on_start() { started && await clock-set && see; }
on_reboot() { started && keeper rtc-add\ 20 && await rtc-change && keeper reboot && see; }
on_reboot_at_once() { started && keeper rtc-add\ 7,reboot && see; }

# So many reboots in a row, with one more second before each; the service misses none.
reboots() {
  local n missed=0 domid
  for ((n = 1; n <= $1; n++)); do
    keeper rtc-add\ 1,reboot || return
    domid=$(xl domid keeper)
    [ "$(xprobe look "$domid" | sed -n 's/^rtc_offset=//p')" = $((3600 + n)) ] || missed=$((missed + 1))
  done
  see
  seen[missed]=$missed
}
on_reboots() { started && reboots 8; }
on_load() {
  started || return
  load
  reboots 3
  end_load
}
on_killed() {
  started && keeper rtc-add\ 20 && await rtc-change || return
  end_service KILL
  keeper rtc-add\ 1
  service
  keeper reboot && see
}

# The service is killed at different moments while a domain is made: the guest runs all the same, and its clock is
# either as asked or as its toolstack made it.
on_killed_setting() {
  local delay domid half=0 held=0 offset khz
  for delay in 0.1 0.2 0.3 0.4 0.6 1; do
    [ -n "$service_pid" ] || service
    clock_set rtc_timeoffset=3600 tsc_mode=always_emulate clock_tsc_frequency=1000000000
    (sleep "$delay"; kill -KILL "$service_pid") &
    start_keeper "$(keep_cfg hvm 'tsc_mode = "always_emulate"')"
    wait "$service_pid" 2> /dev/null
    service_pid=
    domid=$(xl domid keeper) || { held=$((held + 1)); continue; }
    xprobe look "$domid" > "$dir/look-$delay" 2>&1 || held=$((held + 1))
    offset=$(sed -n 's/^cmos_offset=//p' "$dir/look-$delay") khz=$(sed -n 's/^leaf_khz=//p' "$dir/look-$delay")
    about rtc "$offset" 0 || about rtc "$offset" 3600 || half=$((half + 1))
    [ "$khz" = 1000000 ] || [ "$khz" = "$host_khz" ] || half=$((half + 1))
    echo "killed after $delay s: offset $offset, $khz kHz" >> "$dir/moments"
    no_keeper
    forget
  done
  service
  seen[held]=$held
  seen[half]=$half
}

on_pvh() { started pvh && await clock-set && see pvh; }

on_restore() {
  started hvm 'rtc_timeoffset = 60' && keeper rtc-add\ 20 && await rtc-change && run_command xl save keeper /tmp/saved &&
    run_command xl restore /tmp/saved && await put-right && see
}
on_zone() {
  set_zone Europe/Berlin
  forget
  start_keeper "$(keep_cfg hvm 'localtime = 1')" && await followed && keeper rtc-add\ 20 && await rtc-change &&
    run_command xl save keeper /tmp/saved || return
  set_zone America/St_Johns
  run_command xl restore /tmp/saved && await put-right && see
}
on_migrate() {
  started hvm 'rtc_timeoffset = 60' && keeper rtc-add\ 20 && await rtc-change &&
    run_command xl migrate -s '' keeper 'xl migrate-receive' && await put-right && see
}

# Thirty domains come and go.
on_thirty() {
  local n kind before after kept
  measure_service
  before="$fds $rss"
  for n in {1..30}; do
    kind=pvh
    [ $((n % 5)) != 0 ] || kind=hvm
    sed "s/keeper/many$n/; /^uuid/d; /^on_reboot/d" "$(keep_cfg $kind '')" > /tmp/many.cfg
    xl create -q -e /tmp/many.cfg > "$dir/stdout" 2> "$dir/stderr" || return
    xl destroy "many$n"
  done
  sleep 5
  measure_service
  after="$fds $rss"
  kept=$(find /var/lib/xenclock -name '*.json' | wc -l)
  seen[exit]=0
  seen[more_fds]=$((${after% *} - ${before% *}))
  seen[more_kib]=$((${after#* } - ${before#* }))
  seen[records]=$kept
  seen[gone]=$(told gone)
}
# The fewest open files of several looks, since the service may just be reading one, and its memory.
measure_service() {
  fds=$(for _ in {1..5}; do find "/proc/$service_pid/fd" -type l | wc -l; sleep 0.3; done | sort -n | head -n 1)
  rss=$(awk '/^VmRSS:/ { print $2 }' "/proc/$service_pid/status")
}

# How long a new domain waited for its clock, over all cases.
on_latency() {
  grep -q '"clock-set"' "$events" || on_start || return
  jq -r 'select(.event == "clock-set") | .after_ms' "$events" | sort -n > "$dir/after-ms"
  seen[count]=$(wc -l < "$dir/after-ms")
  seen[after_ms_least]=$(head -n 1 "$dir/after-ms")
  seen[after_ms_median]=$(sed -n "$(((${seen[count]} + 1) / 2))p" "$dir/after-ms")
  seen[after_ms_most]=$(tail -n 1 "$dir/after-ms")
  seen[late]=$(jq -c 'select(.event == "too-late")' "$events" | wc -l)
}

# By the wrapper alone.

on_wrapper() { started hvm "device_model_override = \"$wrapper\"" && see; }
on_wrapper_reboot() { on_wrapper && keeper reboot && see; }

# With both: the service reads what a guest made of its RTC, and the wrapper sets it.
both_reboots() { on_wrapper && reboots 3; }

# With libvirt: what the guest is to have stands in its own XML, in libvirt's directory.

libvirt_pid=
libvirt() {
  mkdir -p /run/libvirt /var/log/libvirt /var/cache/libvirt /var/lib/libvirt /etc/libvirt
  printf 'auth_unix_rw="none"\nunix_sock_group="root"\n' > /tmp/libvirtd.conf
  # without it libvirt finds no CPU model for this machine, whose emulator has no VME
  sed -i "/'vme'/d" /usr/share/libvirt/cpu_map/x86_486.xml
  virtlogd -d
  libvirtd -f /tmp/libvirtd.conf > "$out/libvirtd.log" 2>&1 < /dev/null &
  libvirt_pid=$!
  for _ in {1..60}; do
    [ ! -S /run/libvirt/libvirt-sock ] || return 0
    sleep 0.5
  done
  return 1
}
virsh() { timeout 120 /usr/bin/virsh -q -c xen:///system "$@"; }
libvirts_keeper() {
  libvirt || return
  # libvirt does not say another firmware to libxl than libxl's own; Debian 13's QEMU has no -no-acpi any more, with which
  # libxl starts it for a guest without ACPI
  hvmloader=$(find /usr/lib/xen-4.*/boot/hvmloader)
  cp "$hvmloader" /tmp/hvmloader
  cp /tests/probe-hvm "$hvmloader"
  cat > "$dir/keeper.xml" << XML
<domain type='xen'>
  <name>keeper</name><uuid>$keep_uuid</uuid><memory unit='MiB'>32</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='xenfv'>hvm</type></os><features><acpi/></features>
  <clock offset='variable' adjustment='3600' basis='utc'><timer name='tsc' mode='emulate' frequency='1000000000'/></clock>
  <on_reboot>restart</on_reboot>
  <devices><emulator>$(command -v /usr/libexec/xen-qemu-system-i386 /usr/lib/xen-4.*/bin/qemu-system-i386 | head -n 1)</emulator></devices>
</domain>
XML
  virsh define "$dir/keeper.xml" && run_command virsh start keeper
}
libvirt_reboot() {
  libvirts_keeper && await clock-set && keeper rtc-add\ 20,reboot && see
  cp -r /etc/libvirt/libxl/keeper.xml /var/log/libvirt "$dir/" && virsh destroy keeper
  virsh undefine keeper
  cp /tmp/hvmloader "$hvmloader"
  kill "$libvirt_pid" && wait "$libvirt_pid"
}

# Guests that we start.

# our_keeper [ELEMENTS] [GUEST]: more of the domain's XML, such as <on_crash>.
our_keeper() {
  domain_xml keeper "${2:-hvm}" "<clock offset='variable' adjustment='3600' basis='utc'><timer name='tsc' mode='emulate' frequency='1000000000'/></clock>" |
    sed "s#<name>#<uuid>$keep_uuid</uuid><name>#; s#</domain>#${1:-<on_reboot>restart</on_reboot>}</domain>#" > "$dir/keeper.xml"
  run_command xenclock create -q "$dir/keeper.xml"
}
our_reboot() { our_keeper && keeper rtc-add\ 20,reboot && see; }
our_halt() { our_keeper && keeper halt && see; }
our_crash() { our_keeper '<on_crash>restart</on_crash>' && keeper rtc-add\ 20,crash && see; }
# With its core: a PV guest's, since libxl looks for a page of any other guest in each of the first 4 GiB, which takes
# minutes in emulation.
our_core() {
  rm -f /var/lib/xen/dump/keeper
  our_keeper '<on_crash>coredump-restart</on_crash>' pv && keeper crash && see pv
  [ "$(head -c 4 /var/lib/xen/dump/keeper | tail -c 3)" = ELF ] && seen[core]=yes
  rm -f /var/lib/xen/dump/keeper
}
our_rename_restart() {
  local old
  our_keeper '<on_reboot>rename-restart</on_reboot>' && keeper rtc-add\ 20,reboot && see
  mapfile -t old < <(xl list | awk '$1 ~ /^keeper-/ { print $1 }')
  seen[old]=${#old[@]}
  for old in "${old[@]}"; do xl destroy "$old"; done
}
our_soft_reset() {
  local domid builds before
  our_keeper && keeper rtc-add\ 20 && see || return
  before=${seen[tsc_ms]} domid=$(xl domid keeper) builds=$(device_model keeper)
  keeper soft-reset || return
  # the same domain with another device model is one that was reset
  for _ in {1..60}; do
    [ "$(device_model keeper)" != "$builds" ] && break
    sleep 0.5
  done
  sleep 1
  see && fell "$before"
  seen[domain]=$([ "$(xl domid keeper)" = "$domid" ] && [ "$(device_model keeper)" != "$builds" ] && echo reset || echo other)
}
# Its number in xenstore.
device_model() { xenstore-read "/local/domain/$(xl domid "$1")/image/device-model-pid" 2> /dev/null; }
our_restore() {
  our_keeper && keeper rtc-add\ 20 && run_command xenclock save keeper /tmp/saved && run_command xenclock restore /tmp/saved && see
}
our_restored_by_xl() {
  our_keeper && keeper rtc-add\ 20 && run_command xenclock save keeper /tmp/saved && run_command xl restore /tmp/saved && see
}
xls_restored_by_us() { to_another_zone xenclock; }
our_migrate() {
  our_keeper && keeper rtc-add\ 20 && run_command xenclock migrate -s '' keeper 'xenclock migrate-receive' && see
}
our_migrate_to_xl() {
  our_keeper && keeper rtc-add\ 20 && run_command xenclock migrate -s '' keeper 'xl migrate-receive' && see
}
our_migrate_reboot() { our_migrate && keeper reboot && see; }

# The TSC of a guest that runs, changed: it must go on from where it is.
our_live_tsc() {
  local before
  our_keeper && see || return
  before=${seen[tsc_ms]}
  run_command xenclock clock-set --now keeper clock_tsc_frequency=2000000000
  seen[refused]=${seen[exit]}
  run_command xenclock -f clock-set --now keeper clock_tsc_frequency=2000000000 && see
  fell "$before"
}
# Whether the guest's TSC is behind what it was once, in ms.
fell() { seen[fell]=$([ "${seen[tsc_ms]}" -ge "$1" ] && echo no || echo "from $1 ms to ${seen[tsc_ms]} ms"); }

# Where dom0 is a PVH guest of Xen itself.

of_pvh() { "$@" && seen[dom0]=$(cat /sys/hypervisor/guest_type); }
pvh_our_reboot() { of_pvh our_reboot; }
pvh_our_guest() { of_pvh our_pvh_guest; }
our_pvh_guest() { our_keeper '' pvh && see pvh; }
pvh_on_reboot() { of_pvh on_reboot; }

# The number of triple faults since Xen booted. Our guests cause none themselves: the emulator mixes up their registers,
# most often just after a restore.
triple_faults() { xl dmesg | grep -c 'Triple fault'; }
all_triple_faults() { everywhere triple_faults | awk '{ sum += $1 } END { print sum }'; }

# everywhere FUNCTION: on all hosts, which is this one.
everywhere() { "$@"; }

# run_once FUNCTION: the case, until its guest is gone.
run_once() {
  local began faults_before
  set_zone Etc/UTC
  everywhere forget
  touch "$events"
  events_before=$(wc -l < "$events")
  seen=() silent=
  faults_before=$(all_triple_faults) began=$(now_ms)
  "$1" > "$dir/said" 2>&1
  seen[age_ms]=$(($(now_ms) - began))
  everywhere no_keeper
  [ "$(all_triple_faults)" -gt "$faults_before" ] || return
  silent=yes
  # Xen treats a triple fault as a reboot, so a monitor may be about to start the guest again
  sleep 10
  everywhere no_keeper
}

# keep_case NAME MAKER EXPECTED FUNCTION: runs a case, and once more if its guest had a triple fault or said nothing at
# all; the table then says so.
keep_case() {
  local name=$1 maker=$2 expected=$3 asked=${4//_/ }
  chosen "$name" || return 0
  dir=$out/cases/$name
  mkdir -p "$dir"
  run_once "$4"
  check "$expected"
  if [ "$verdict" != pass ] && [ -n "$silent" ]; then
    asked+=' (run twice: the first guest had a triple fault or said nothing)'
    run_once "$4"
    check "$expected"
  fi
  record "$name" hvm "$maker" "$asked"
  [ "$verdict" = pass ] || said_of_failure
}

# What was said about a case that failed: a boot that runs out of time leaves nothing but what it has printed.
said_of_failure() {
  local log
  for log in "$dir/said" /var/log/xen/xenclock-keeper.log*; do
    [ -s "$log" ] && tail -n 8 "$log" | sed "s#^#     ${log##*/}: #" >> "$progress"
  done
}

run_keep() {
  local kept='exit=0; cmos_offset~3620; rtc_offset=3620; leaf_khz=1000000'
  : > "$events"
  keep_case off-reboot xl 'exit=0; cmos_offset~3600; rtc_offset=3600' off_reboot
  keep_case off-restore xl 'exit=0; cmos_offset~3600; rtc_offset=3600; jumps=1; jumped~-20' off_restore
  keep_case off-restore-localtime xl 'exit=0; cmos_offset~zone; rtc_offset=zone; jumps=1; jumped~-20' off_restore_localtime
  keep_case off-restore-no-offset xl 'exit=0; cmos_offset~20; rtc_offset=20; jumps=0' off_restore_no_offset
  keep_case off-zone xl 'exit=0; cmos_offset~zone:America/St_Johns; rtc_offset=zone:America/St_Johns; jumps=1' off_zone
  keep_case off-tsc xl+1+1000000 'exit=0; leaf_khz=host' off_tsc
  keep_case off-migrate xl 'exit=0; cmos_offset~3600; rtc_offset=3600; jumps=1; jumped~-20' off_migrate
  keep_case off-migrate-no-offset xl 'exit=0; cmos_offset~20; rtc_offset=20; jumps=0' off_migrate_no_offset
  wrapper=/usr/lib/xenclock/device-model
  keep_case wrapper-start xl 'exit=0; cmos_offset~3600; rtc_offset=3600; leaf_khz=1000000; birth_ms<age' on_wrapper
  keep_case wrapper-reboot xl 'exit=0; cmos_offset~3600; rtc_offset=3600; leaf_khz=1000000' on_wrapper_reboot
  service
  keep_case on-start xl 'exit=0; cmos_offset~3600; rtc_offset=3600; leaf_mode=1; leaf_khz=1000000; rate_khz~1000000' on_start
  keep_case on-pvh xl 'exit=0; wc_offset~3600; leaf_khz=1000000' on_pvh
  keep_case on-reboot xl "$kept" on_reboot
  keep_case on-reboot-at-once xl 'exit=0; cmos_offset~3607; rtc_offset=3607; leaf_khz=1000000' on_reboot_at_once
  keep_case on-reboots xl 'exit=0; cmos_offset~3608; rtc_offset=3608; leaf_khz=1000000; missed=0' on_reboots
  keep_case on-load xl 'exit=0; rtc_offset=3603; leaf_khz=1000000; missed=0' on_load
  keep_case on-killed xl 'exit=0; cmos_offset~3621; rtc_offset=3621; leaf_khz=1000000' on_killed
  keep_case on-killed-setting xl 'held=0; half=0' on_killed_setting
  keep_case on-restore xl "$kept; jumped~0" on_restore
  keep_case on-zone xl 'exit=0; cmos_offset~zone:Europe/Berlin+20; rtc_offset=zone:Europe/Berlin+20; jumped~0' on_zone
  keep_case on-migrate xl "$kept; jumped~0" on_migrate
  keep_case on-wrapper xl 'exit=0; cmos_offset~3603; rtc_offset=3603; leaf_khz=1000000; missed=0' both_reboots
  keep_case on-libvirt libvirt "$kept" libvirt_reboot
  keep_case on-thirty xl 'exit=0; more_fds=0; more_kib<2000; records=0; gone=30' on_thirty
  keep_case on-latency xl 'late=0; after_ms_most<5000; after_ms_median<5000; after_ms_least<5000; count<1000' on_latency
  end_service
  keep_case our-reboot xenclock "$kept" our_reboot
  keep_case our-halt xenclock 'exit=0; guest=gone' our_halt
  keep_case our-crash xenclock "$kept" our_crash
  keep_case our-core xenclock 'exit=0; wc_offset~3600; leaf_khz=1000000; core=yes' our_core
  keep_case our-rename-restart xenclock "$kept; old=1" our_rename_restart
  keep_case our-soft-reset xenclock "$kept; jumps=0; jumped~0; domain=reset; fell=no" our_soft_reset
  keep_case our-restore xenclock "$kept; jumps=0" our_restore
  keep_case our-restored-by-xl xenclock+xl "$kept; jumps=0" our_restored_by_xl
  keep_case xls-restored-by-us xl+xenclock 'exit=0; cmos_offset~zone:Europe/Berlin+20; rtc_offset=zone:Europe/Berlin+20; jumps=0' xls_restored_by_us
  keep_case our-migrate xenclock "$kept; jumps=0" our_migrate
  keep_case our-migrate-to-xl xenclock+xl "$kept; jumps=0" our_migrate_to_xl
  keep_case our-live-tsc xenclock 'exit=0; refused=1; leaf_khz=2000000; tsc_khz=2000000; rate_khz~2000000; fell=no' our_live_tsc
  keep_case our-migrate-reboot xenclock "$kept" our_migrate_reboot
}

run_pvh() {
  local kept='exit=0; cmos_offset~3620; rtc_offset=3620; leaf_khz=1000000; dom0=PVH'
  : > "$events"
  keep_case pvh-our-reboot xenclock "$kept" pvh_our_reboot
  keep_case pvh-our-guest xenclock 'exit=0; wc_offset~3600; leaf_khz=1000000; dom0=PVH' pvh_our_guest
  service
  keep_case pvh-on-reboot xl "$kept" pvh_on_reboot
  end_service
}
