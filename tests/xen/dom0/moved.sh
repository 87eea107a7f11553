# shellcheck shell=bash
# Guests that come from a host of another TSC frequency, on a host whose TSC Xen trusts: emulated by Xen, and native
# again within a tolerance. The frequency in their save files is another's (probe/as-of.c).

# saved_elsewhere VCPUS KHZ: the keeper, saved where the TSC runs at KHZ; in /tmp/moved. Each number of vCPUs is saved once.
saved_elsewhere() {
  local vcpus=$1 file=/tmp/moved-$1
  if [ ! -s "$file" ]; then
    start_keeper "$(keep_cfg hvm '')" && see && run_command xl save keeper "$file" || return
  fi
  as-of "$2" "$file" /tmp/moved
}

# The end of a stock sender that has the guest in a file: what xl writes, and its leave to let the guest run.
sends() { cat /tmp/moved && printf 'domain is yours, you are cleared to unpause\0'; }
receives() {
  local status=0
  sends | timeout 300 "$@" > "$dir/stdout" 2> "$dir/stderr" || status=$?
  take_outcome $status
  return $status
}

near=100
tolerant() { clock_set clock_tsc_tolerance=250; }
moved_off() { saved_elsewhere 2 $((host_khz + near)) && run_command xl restore /tmp/moved && see; }
moved_restore() { tolerant && saved_elsewhere "$1" $((host_khz + near)) && run_command xenclock restore /tmp/moved && see; }
moved_restore_one() { moved_restore 1; }
moved_restore_two() { moved_restore 2; }
# From one of our own, which tells the frequency of birth: the guest has been emulated until then.
moved_migrate() {
  saved_elsewhere 2 $((host_khz + near)) && run_command xl restore /tmp/moved && tolerant &&
    run_command xenclock migrate -s '' keeper 'xenclock migrate-receive' && see
}
moved_receive() {
  tolerant && saved_elsewhere 2 $((host_khz - near)) && receives xenclock migrate-receive && see
}
moved_service_restore() {
  saved_elsewhere 1 $((host_khz + near)) && run_command xl restore /tmp/moved && await tsc-native && see
}
moved_service_receive() {
  saved_elsewhere 2 $((host_khz + near)) && receives xl migrate-receive && await tsc-native && see
}
moved_too_far() {
  saved_elsewhere 1 $((host_khz + host_khz / 3900)) && run_command xl restore /tmp/moved && await tsc-left && see
}
# Linux, which counts by the TSC: how far it gets in a minute of dom0's, and whether its watchdog complains.
linux_minute() {
  local first last began cmdline=clocksource=tsc
  start_keeper "$(keep_cfg linux '')" && look_linux keeper && run_command xl save keeper /tmp/moved || return
  # in place: dom0 has no room for two of its size
  as-of $((host_khz + near)) /tmp/moved /tmp/moved && tolerant && run_command xenclock restore /tmp/moved || return
  tick && first=${seen[tick]} began=$(now_ms) && sleep 60 && tick && last=${seen[tick]} || return
  seen[minute]=$(awk "BEGIN { print int((($last - $first) * 1000 - ($(now_ms) - $began)) / 1000) }")
  probe xen "$(xl domid keeper)"
  look_at_report keeper
}
# Waits for the guest's next word on its clock.
tick() {
  local log=/var/log/xen/console/guest-keeper.log had
  had=$(grep -c ^TICK "$log")
  for _ in {1..100}; do
    [ "$(grep -c ^TICK "$log")" -gt "$had" ] && break
    sleep 0.1
  done
  read -r _ seen[tick] seen[clocksource] seen[unstable] < <(tr -d '\r' < "$log" | grep ^TICK | tail -n 1)
}
# A guest that is shown an invariant TSC, and has no frequency of its own, stays where it is.
moved_invariant() {
  start_keeper "$(keep_cfg hvm 'cpuid = "host,invtsc=1"')" || return
  run_command xenclock migrate -s '' keeper 'xenclock migrate-receive'
  see
}

# dom0's clock is set under a guest: its RTC moves with it.
moved_step() {
  start_keeper "$(keep_cfg hvm 'rtc_timeoffset = 3600')" && see && date -s @$(($(date +%s) + 3600)) &&
    await host-clock-step '.effect == "rtc-moves"' && see
  seen[steps]=$(told host-clock-step '.effect == null')
  date -s @$(($(date +%s) - 3600))
}

# In memory, since Xen 4.20.
moved_suspend() {
  local domid
  start_keeper "$(keep_cfg hvm 'rtc_timeoffset = 3600')" && keeper rtc-add\ 20 && await rtc-change || return
  domid=$(xl domid keeper)
  run_command xl suspend keeper && await ended && run_command xl resume keeper && keeper rtc-add\ 1 &&
    await rtc-change '.offset == 3621' && see
  seen[domain]=$([ "$(xl domid keeper)" = "$domid" ] && echo same || echo other)
}

run_moved() {
  local native='exit=0; emulated=0; leaf_khz=host; tsc_back=0; tsc_gap_ms<uptime/2'
  : > "$events"
  rm -f /tmp/moved*
  keep_case moved-off xl "exit=0; emulated=1; leaf_khz=host+$near; tsc_back=0; second=runs" moved_off
  keep_case moved-restore-one xenclock "$native; second=none" moved_restore_one
  keep_case moved-restore-two xenclock "$native; second=runs" moved_restore_two
  keep_case moved-migrate xenclock "$native; show_behaviour=native; second=runs" moved_migrate
  keep_case moved-receive xenclock "$native; show_behaviour=native; second=runs" moved_receive
  export XENCLOCK_TSC_TOLERANCE=250
  service
  keep_case moved-service-restore xl "$native; second=none" moved_service_restore
  keep_case moved-service-receive xl "$native; second=runs" moved_service_receive
  keep_case moved-too-far xl 'exit=0; emulated=1; tsc_back=0' moved_too_far
  keep_case moved-step xl 'exit=0; cmos_offset~3600; rtc_offset=3600; jumps=1; jumped~3600; steps=1' moved_step
  ! xl help 2> /dev/null | grep -q '^ suspend ' ||
    keep_case moved-suspend xl 'exit=0; cmos_offset~3621; rtc_offset=3621; jumps=0; domain=same' moved_suspend
  end_service
  unset XENCLOCK_TSC_TOLERANCE
  keep_case moved-invariant xenclock 'exit=1; says*=tsc-invariant; invtsc=1; emulated=0; leaf_khz=host' moved_invariant
  rm -f /tmp/moved*
}

run_linux() {
  : > "$events"
  keep_case linux-minute xenclock 'exit=0; tsc_khz=host; show_behaviour=native; clocksource=tsc; minute=0; unstable=0' linux_minute
  rm -f /tmp/moved*
}
