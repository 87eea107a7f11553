# shellcheck shell=bash
# Expectations: items with "; " between them, each KEY, an operator, and a value.
#
#   KEY=VALUE   the very same                     KEY~VALUE   about: kHz within 5 %, else within 2 s
#   KEY<VALUE   a number below                    KEY*=TEXT   contains
#
# Values are literal, or one of these, with or without +N or -N behind it:
#   host        this machine's TSC in kHz         age         ms since the creation began
#   uptime/2    half of the ms since dom0's boot
#   zone        dom0's zone, in seconds east      zone:NAME   that zone
#   twin        what was seen in the domain that xenclock made

# What a value stands for now.
resolve() {
  local key=$1 value=$2 plus=0
  if [[ $value =~ ^(host|age|zone|zone:[A-Za-z/_]+)([+-][0-9]+)$ ]]; then
    value=${BASH_REMATCH[1]} plus=${BASH_REMATCH[2]}
  fi
  case $value in
    host) value=$host_khz ;;
    age) value=${seen[age_ms]:-0} ;;
    uptime/2) value=$(awk '{ print int($1 * 500) }' /proc/uptime) ;;
    zone) value=$(zone_offset "$(dom0_zone)") ;;
    zone:*) value=$(zone_offset "${value#zone:}") ;;
    twin) value=${twin[$key]:-missing} ;;
  esac
  [ "$plus" = 0 ] || value=$((value + plus))
  echo "$value"
}

# Seconds east of Greenwich, today.
zone_offset() {
  local text sign
  text=$(TZ=$1 date +%z)
  sign=${text:0:1}
  echo "$((${sign}1 * (10#${text:1:2} * 3600 + 10#${text:3:2} * 60)))"
}

dom0_zone() { readlink /etc/localtime | sed 's#^/usr/share/zoneinfo/##'; }
set_zone() { ln -sfn "/usr/share/zoneinfo/$1" /etc/localtime; }

is_number() { [[ $1 =~ ^-?[0-9]+$ ]]; }

about() {
  local key=$1 got=$2 wanted=$3 slack=2
  is_number "$got" && is_number "$wanted" || return 1
  [[ $key != *_khz ]] || slack=$((wanted / 20))
  [ $((got > wanted ? got - wanted : wanted - got)) -le $slack ]
}

# holds KEY OPERATOR VALUE
holds() {
  local got=${seen[$1]-missing} wanted=$3
  case $2 in
    '=') [ "$got" = "$wanted" ] ;;
    '~') about "$1" "$got" "$wanted" ;;
    '<') is_number "$got" && is_number "$wanted" && [ "$got" -lt "$wanted" ] ;;
    '*=') [[ $got = *"$wanted"* ]] ;;
  esac
}

# check EXPECTED: sets verdict, seen_text and expected_text (with the values that
# words stood for).
check() {
  local rest="$1; " item key operator value text shape='^([a-z0-9_]+)(\*=|=|~|<)(.*)$'
  verdict=pass seen_text='' expected_text=''
  while [ -n "$rest" ]; do
    item=${rest%%; *}
    rest=${rest#*; }
    [[ $item =~ $shape ]] || { echo "no expectation: $item" >&2; verdict=FAIL; continue; }
    key=${BASH_REMATCH[1]} operator=${BASH_REMATCH[2]}
    value=$(resolve "$key" "${BASH_REMATCH[3]}")
    text=$key=${seen[$key]-missing}
    if ! holds "$key" "$operator" "$value"; then
      verdict=FAIL
      text="[$text]"
    fi
    seen_text+="${seen_text:+; }$text"
    expected_text+="${expected_text:+; }$key$operator$value"
  done
}

# record CASE GUEST MAKER ASKED: the check's result as a line of the table; the progress has the driver's seconds before it.
record() {
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$group" "$1" "$2" "$3" "$4" "$expected_text" "$seen_text" "$verdict" >> "$results"
  printf '%5d %-4s %-28s %s\n' "$SECONDS" "$verdict" "$1" "$([ "$verdict" = pass ] || echo "$seen_text")" >> "$progress"
  [ "$verdict" = pass ] || failures=$((failures + 1))
}
