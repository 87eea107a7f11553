# shellcheck shell=bash
# What is seen of a domain: facts of the form KEY=VALUE, kept in the array `seen`.

declare -A seen

# Takes facts from standard input.
take_facts() {
  local key value
  while IFS='=' read -r key value; do
    [ -z "$key" ] || seen[$key]=$value
  done
}

now_ms() { date +%s%3N; }

# run_command COMMAND...: takes its status and what it says.
run_command() {
  local status=0
  timeout 300 "$@" > "$dir/stdout" 2> "$dir/stderr" < /dev/null || status=$?
  take_outcome $status
  return "$status"
}

# take_outcome STATUS: of a command whose words are in the case's files; in one line.
take_outcome() {
  seen[exit]=$1
  seen[says]=$(tr -s '\n\t ' ' ' < "$dir/stderr" | cut -c 1-1000)
}

# The exit status of xprobe for a guest that has said nothing at all.
SILENT=3

# probe ARGUMENT...: takes what xprobe says. What it complains of is kept.
probe() {
  local status=0
  xprobe "$@" > "$dir/probed" 2>> "$dir/xprobe" || status=$?
  take_facts < "$dir/probed"
  rm "$dir/probed"
  return $status
}

# keep_evidence NAME DOMID: all that tells why a guest says nothing, in the case's files.
keep_evidence() {
  local folder=$dir/silence
  mkdir -p "$folder"
  date +%s.%3N > "$folder/when"
  for n in 1 2; do
    xprobe state "$2" > "$folder/state-$n" 2>&1
    sleep 1
  done
  xl list > "$folder/xl-list" 2>&1
  xenstore-ls "/local/domain/$2" > "$folder/xenstore" 2>&1
  # Xen's vCPUs, timers and run queues
  for key in q a r; do xl debug-keys $key; done
  xl dmesg | tail -n 300 > "$folder/xl-dmesg"
  cp /var/log/xen/*"$1"* "$folder/" 2> /dev/null
  ps -ef > "$folder/processes" 2>&1 || busybox ps > "$folder/processes"
}

# look_inside NAME DOMID RATE_MS: what the probe guest and Xen say. Sets `silent` where
# the guest has said nothing although it may run, or has fallen over its first instructions:
# Xen then shows registers of its own for the guest's, which the emulator has mixed up. One
# that is paused or has ended otherwise is no matter of the emulator's.
look_inside() {
  local status=0
  probe look "$2" "$3" || status=$?
  [ $status != 0 ] || return 0
  keep_evidence "$1" "$2"
  [ $status = $SILENT ] || return 0
  ! grep -qx stopped=0 "$dir/silence/state-1" || silent=yes
  ! grep -q "d$2v[0-9]* Triple fault" "$dir/silence/xl-dmesg" || silent=yes
}

# look NAME GUEST: waits for the guest and takes what it and Xen say.
look() {
  local name=$1 guest=$2 domid rate_ms=0
  domid=$(xl domid "$name" 2> "$dir/domid") || { seen[guest]=gone; return 1; }
  [[ $expected != *rate_khz* ]] || rate_ms=1500
  case $guest in
    bootsector) look_boot_sector "$domid" ;;
    linux) look_linux "$name" ;;
    *) look_inside "$name" "$domid" $rate_ms ;;
  esac
  case $guest in
    bootsector | linux) probe xen "$domid" ;;
  esac
  [ "$maker" != xenclock ] || look_at_report "$name"
}

# What our command says of the domain's clock.
look_at_report() {
  xenclock clock-show "$1" --json > "$dir/clock-show.json" 2> "$dir/clock-show.stderr" < /dev/null || true
  take_facts < <(
    jq -r '"show_offset=\(.rtc.offset)", "show_tracked=\(.rtc.tracked)", "show_mode=\(.tsc.mode)",
      "show_khz=\(.tsc.khz)", "show_behaviour=\(.tsc.behaviour)"' "$dir/clock-show.json" 2>> "$dir/clock-show.stderr"
  )
}

# The boot sector's line on Xen's console: BOOTSECTOR yymmddhhmmss.
look_boot_sector() {
  local domid=$1 stamp now
  for _ in {1..120}; do
    now=$(date +%s)
    stamp=$(xl dmesg | sed -n "s/.*(d$domid) BOOTSECTOR \([0-9]\{12\}\).*/\1/p" | tail -n 1)
    [ -z "$stamp" ] || break
    sleep 0.5
  done
  [ -n "$stamp" ] || return 1
  # shellcheck disable=SC2001 # bash has no groups
  seen[rtc]=$(sed 's/\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)/20\1-\2-\3 \4:\5:\6/' <<< "$stamp")
  seen[cmos_offset]=$(($(date -u -d "${seen[rtc]}" +%s) - now))
}

# look_linux NAME [SECONDS]: the Linux guest's lines on its console, for at most so long.
look_linux() {
  local log=/var/log/xen/console/guest-$1.log now end=$((SECONDS + ${2:-300}))
  while [ $SECONDS -lt $end ]; do
    now=$(date +%s)
    ! grep -qs 'FACT done' "$log" || break
    sleep 1
  done
  cp "$log" "$dir/console" 2> /dev/null || return 1
  take_facts < <(tr -d '\r' < "$log" | sed -n 's/^.*FACT \(.*\)/\1/p')
  [ -z "${seen[hwclock]:-}" ] || seen[hwclock_offset]=$(($(date -u -d "${seen[hwclock]}" +%s) - now))
}

# until_domid gone|reborn NAME DOMID: waits until the domain has no number, or another.
until_domid() {
  local now end=$((SECONDS + 90))
  while [ $SECONDS -lt $end ]; do
    now=$(xl domid "$2" 2> /dev/null)
    case $1 in
      gone) [ -n "$now" ] || return 0 ;;
      reborn) [ -z "$now" ] || [ "$now" = "$3" ] || return 0 ;;
    esac
    sleep 0.5
  done
  return 1
}

# obey NAME ORDERS: gives the guest its orders, with commas between them.
obey() {
  local name=$1 orders=$2 order domid
  while IFS= read -r -d , order; do
    domid=$(xl domid "$name") || return 1
    # shellcheck disable=SC2086 # an order and its argument
    xprobe order "$domid" $order || return 1
    case $order in
      *reboot | crash) until_domid reborn "$name" "$domid" ;;
      *halt) until_domid gone "$name" "$domid" ;;
    esac
  done <<< "$orders,"
}
