# shellcheck shell=bash
# Two hosts, each with Xen's own measure of its TSC: a guest of two vCPUs moves between them over ssh. `near` runs the
# cases, and `far` does what it is told.

network() {
  modprobe virtio_net
  ip addr add "$(awk -v name="$(hostname)" '$2 == name { print $1 }' /etc/hosts)/24" dev eth0
  # large packets, each of which costs the emulator as much as a small one
  ip link set eth0 mtu 9000 up
  mkdir -p /run/sshd
  /usr/sbin/sshd -f /dev/null -E "$out/sshd.log" -o UsePAM=no -o "SetEnv=PATH=/tests:$PATH"
  # One connection carries all sessions: in emulation it takes 8 s to open one.
  printf '%s\n' 'Host near far' 'ControlPath /run/ssh-%h' 'ControlMaster auto' 'ControlPersist yes' > /root/.ssh/config
}

# connect HOST: waits for it, and leaves a connection to it.
connect() {
  local end=$((SECONDS + 300))
  until timeout 30 ssh -o ConnectTimeout=10 "$1" true; do
    [ $SECONDS -lt $end ] || return 1
    sleep 1
  done > "$out/connect.log" 2>&1 < /dev/null
}

# far COMMAND...: on the other host.
far() { timeout 300 ssh far "$(printf '%q ' "$@")"; }

meet() {
  connect far && far driver connect near < /dev/null || return
  far_khz=$(far xprobe host < /dev/null | sed -n 's/^host_khz=//p')
  set_far_clock 0
}

# set_far_clock SECONDS: so far ahead of this host's clock. It is told the time once the connection is there.
set_far_clock() {
  { sleep 1; awk "BEGIN { printf \"%.3f\\n\", $1 + $(date +%s.%N) }"; } |
    far driver set_clock > "$out/far-clock" 2>&1
}
# By standard input.
set_clock() {
  local now
  read -r now
  date -s "@$now"
}

# at HOST FUNCTION ARGUMENT...: there, with the facts that it takes.
at() {
  local host=$1 status=0
  shift
  if [ "$host" = "$(hostname)" ]; then
    "$@"
    return
  fi
  far driver tell "${dir##*/}" "$expected" "$@" > "$dir/told" < /dev/null || status=$?
  take_facts < "$dir/told"
  silent=${silent:-${seen[silent]:-}}
  unset 'seen[silent]'
  return $status
}

# tell CASE EXPECTED FUNCTION ARGUMENT...: for the other host.
tell() {
  local key status=0
  dir=$out/cases/$1 expected=$2
  shift 2
  mkdir -p "$dir"
  seen=() silent=
  "$@" >> "$dir/said" 2>&1 || status=$?
  for key in "${!seen[@]}"; do echo "$key=${seen[$key]}"; done
  [ -z "$silent" ] || echo silent=yes
  return $status
}

# foretell HOST: what preflight says of the move there.
foretell() {
  xenclock preflight --json keeper "$1" > "$dir/preflight.json" 2> "$dir/preflight.stderr" < /dev/null
  take_facts < <(
    jq -r '.moves[0] | "foretold=\(.tsc.after.behaviour)", "foretold_khz=\(.tsc.after.khz)",
      "effects=\([.effects[].effect] | join(","))"' "$dir/preflight.json"
  )
}

# carry SENDER RECEIVER HOST
carry() {
  case $2 in
    xl) run_command "$1" migrate keeper "$3" ;;
    *) run_command "$1" migrate -s '' keeper "ssh $3 $2 migrate-receive" ;;
  esac
}

arrived() {
  local maker=
  look keeper hvm && look_at_report keeper
}

two_keeper() {
  local vcpus=2 memory=16
  run_command "$1" create -q "$(keep_cfg hvm 'rtc_timeoffset = 3600')"
}
tolerant_keeper() { tolerant && two_keeper "$1"; }

# leave SECONDS HOST SENDER RECEIVER: the guest sets its RTC, and goes to that host.
leave() { keeper rtc-add\ "$1" && foretell "$2" && carry "$3" "$4" "$2"; }

pair() { two_keeper "$1" && leave 20 far "$1" "$2" && at far arrived; }
ours_to_ours() { pair xenclock xenclock; }
ours_to_stock() { pair xenclock xl; }
stock_to_ours() { pair xl xenclock; }
stock_to_stock() { pair xl xl; }

# hop FROM TO KHZ BEHAVIOUR: one move by xenclock, after which the guest's TSC is to be so. What is not as it should be is
# counted, and is in the case's files.
hop() {
  local emulated=0
  [ "$4" = native ] || emulated=1
  at "$1" leave 1 "$2" xenclock xenclock && at "$2" arrived || return
  rtc=$((rtc + 1))
  check "exit=0; rtc_offset=$rtc; cmos_offset~$rtc; leaf_khz=$3; emulated=$emulated; tsc_back=0; second=runs; foretold=$4; foretold_khz=$3; show_behaviour=$4; show_khz=$3"
  echo "$verdict, from $1 to $2: $seen_text" >> "$dir/hops"
  [ "$verdict" = pass ] || wrong=$((wrong + 1))
}

# ten_times KEEPER KHZ BEHAVIOUR: there and back. Where the emulator lets the guest fall, another one goes on.
ten_times() {
  local trips=0 felled=0 wrong=0 rtc=3600 faults now
  faults=$(all_triple_faults)
  "$1" xenclock || return
  while [ $trips -lt 10 ]; do
    if hop near far "$2" "$3" && hop far near "$host_khz" native; then
      trips=$((trips + 1))
      continue
    fi
    now=$(all_triple_faults)
    [ "$now" -gt "$faults" ] && [ $felled -lt 5 ] || break
    faults=$now felled=$((felled + 1)) rtc=3600
    sleep 10
    everywhere no_keeper
    everywhere forget
    "$1" xenclock || break
  done
  seen[trips]=$trips seen[wrong]=$wrong seen[felled]=$felled
}
ten_times_emulated() { ten_times two_keeper "$host_khz" "$behaviour"; }
ten_times_tolerated() { ten_times tolerant_keeper "$far_khz" native; }

run_two() {
  local behaviour=native emulated=0 kept
  network
  if [ "$(hostname)" = far ]; then
    until [ -e /tmp/over ]; do sleep 1; done
    return
  fi
  meet || { echo '     the other host does not answer' >> "$progress"; failures=$((failures + 1)); return; }
  [ "$far_khz" = "$host_khz" ] || behaviour=emulated emulated=1
  kept="exit=0; rtc_offset=3620; cmos_offset~3620"
  local same="leaf_khz=host; rate_khz~host; emulated=$emulated; tsc_back=0; second=runs; foretold=$behaviour; foretold_khz=host; show_behaviour=$behaviour; show_khz=host"
  everywhere() { "$@"; far driver "$@" < /dev/null; }
  : > "$events"
  keep_case two-ours-ours xenclock "$kept; $same" ours_to_ours
  keep_case two-ours-stock xenclock+xl "$kept; $same" ours_to_stock
  keep_case two-stock-ours xl+xenclock "$kept; $same" stock_to_ours
  keep_case two-stock-stock xl "exit=0; rtc_offset=3600; cmos_offset~3600; $same" stock_to_stock
  local ten="exit=0; trips=10; wrong=0; felled<6; tsc_back=0; tsc_gap_ms<60000; second=runs"
  keep_case two-ten-times xenclock "$ten" ten_times_emulated
  keep_case two-ten-times-tolerated xenclock "$ten" ten_times_tolerated
  far touch /tmp/over < /dev/null
}
