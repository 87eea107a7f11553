# shellcheck shell=bash
# A host that restarts while a guest lies in its save file: the group `before` saves the guest, and `after`, in the next
# boot, restores it. Xen has measured its TSC anew there, and trusts it.

before_save() {
  start_keeper "$(keep_cfg hvm 'rtc_timeoffset = 3600')" && keeper rtc-add\ 20 && see &&
    run_command xenclock save keeper "$out/before.save" && echo "$host_khz" > "$out/before.khz"
}

run_before() {
  : > "$events"
  keep_case before-save xenclock 'exit=0; cmos_offset~3620; rtc_offset=3620; leaf_khz=host' before_save
}

after_xl() { run_command xl restore before.save && see; }
after_xenclock() { run_command xenclock restore before.save && see; }
after_tolerance() { clock_set clock_tsc_tolerance=250 && after_xenclock; }

run_after() {
  local khz kept behaviour=native emulated=0
  khz=$(cat before.khz 2> /dev/null || echo none)
  [ "$khz" = "$host_khz" ] || behaviour=emulated emulated=1
  kept="exit=0; cmos_offset~3620; rtc_offset=3620"
  : > "$events"
  keep_case after-xl xl "$kept; leaf_khz=$khz; emulated=$emulated" after_xl
  keep_case after-xenclock xenclock "$kept; leaf_khz=$khz; emulated=$emulated; show_khz=$khz; show_behaviour=$behaviour" after_xenclock
  keep_case after-tolerance xenclock "$kept; leaf_khz=host; emulated=0; show_behaviour=native" after_tolerance
}
