# shellcheck shell=bash
# What goes wrong: a clear message, exit status 1, and nothing left behind.

# fault CASE EXPECTED COMMAND...: nothing may be left, where EXPECTED does not say what.
fault() {
  local name=$1 expected=$2 asked
  [[ $expected = *left* ]] || expected+='; left=nothing'
  shift 2
  chosen "$name" || return 0
  dir=$out/cases/$name
  mkdir -p "$dir"
  seen=()
  traces > "$dir/before"
  "$@"
  if [[ $expected = *left_domain* ]]; then
    seen[left_domain]=$(new_traces "$dir/before" domain)
  else
    seen[left]=$(new_traces "$dir/before")
  fi
  check "$expected"
  asked=$*
  record "$name" - xenclock "${asked//_/ }"
}

no_such_domain() { run_command xenclock "$1" nosuchdomain; }

no_such_number() { run_command xenclock "$1" 4711; }

gone_before_unpause() {
  domain_xml mayfly hvm "<clock offset='localtime'/>" > "$dir/domain.xml"
  run_command xenclock create -p -q "$dir/domain.xml" || { xl destroy mayfly; return; }
  xl destroy mayfly
  run_command xenclock unpause mayfly
}

# xl destroys the domain while our command is held after libxl made it.
dies_before_unpause() {
  local creator status=0
  domain_xml mayfly hvm "<clock offset='localtime'><timer name='tsc' frequency='1234567000'/></clock>" > "$dir/domain.xml"
  xenclock create -q "$dir/domain.xml" > "$dir/stdout" 2> "$dir/stderr" < /dev/null &
  creator=$!
  take_facts < <(xprobe hold $creator 1234567)
  xl destroy mayfly
  kill -CONT $creator
  wait $creator || status=$?
  take_outcome $status
}

# xl destroys the domain as soon as it has a name, while libxl still makes it. libxl
# then goes on, and takes back only in part what it does to a domain that is gone; it
# is the same with stock xl. What must not be left is the domain. Where xl was too late
# for that, it tries again.
dies_while_created() {
  local killer
  domain_xml mayfly hvm "<clock offset='utc'/>" > "$dir/domain.xml"
  for _ in {1..5}; do
    {
      for _ in {1..100}; do ! xl destroy mayfly || break; done
    } > "$dir/killer" 2>&1 &
    killer=$!
    run_command xenclock create -q "$dir/domain.xml" || { wait $killer; return; }
    wait $killer
    xl destroy mayfly > /dev/null 2>&1
    until_domid gone mayfly 0
  done
}

out_of_memory() {
  domain_xml glutton hvm "<clock offset='utc'/>" | sed "s#<memory.*#<memory unit='GiB'>64</memory>#" > "$dir/domain.xml"
  run_command xenclock create -q "$dir/domain.xml"
}

# missing_file GUEST FILE: of what the guest of this kind is started from
missing_file() {
  domain_xml headless "$1" "<clock offset='utc'/>" | sed "s#$2#/tests/nosuchfile#" > "$dir/domain.xml"
  run_command xenclock create -q "$dir/domain.xml"
}

dom0_memory() { xl list | awk '$1 == "Domain-0" { print $3 }'; }

# dom0_gives MAKER: a guest of 100 MiB more than Xen has free, for which dom0 gives memory up. By itself xl would not take it
# from a dom0 whose memory Xen's command line sets.
dom0_gives() {
  local before size conf=/etc/xen/xl.conf
  cp "$conf" "$dir/xl.conf" && echo 'autoballoon = "on"' >> "$conf"
  before=$(dom0_memory) size=$(($(xl info | awk '/^free_memory/ { print $3 }') + 100))
  domain_cfg hungry pvh '' | sed "s/^memory = .*/memory = $size/" > "$dir/domain.cfg"
  run_command "$1" create -q "$dir/domain.cfg" && seen[gave]=$([ "$(dom0_memory)" -lt "$before" ] && echo yes || echo no)
  xl destroy hungry > /dev/null 2>&1
  xl mem-set 0 "$before"
  cp "$dir/xl.conf" "$conf"
}

without_permission() {
  domain_xml outsider hvm "<clock offset='utc'/>" > /tests/outsider.xml
  run_command chroot --userspec=65534:65534 / "$(command -v xenclock)" "$@"
}

run_faults() {
  local verb
  for verb in clock-show pause unpause shutdown destroy; do
    fault "no-domain-$verb" 'exit=1; says*=nosuchdomain' no_such_domain $verb
  done
  fault no-number-clock-show 'exit=1; says*=4711' no_such_number clock-show
  fault gone-before-unpause 'exit=1; says*=mayfly' gone_before_unpause
  fault dies-before-unpause 'paused=1; ran=0; exit=1; says*=mayfly' dies_before_unpause
  fault dies-while-created 'exit=1; says*=mayfly; left_domain=nothing' dies_while_created
  fault out-of-memory 'exit=1; says*=memory' out_of_memory
  fault no-loader-hvm 'exit=1; says*=/tests/nosuchfile' missing_file hvm /tests/probe-hvm
  fault no-kernel-pvh 'exit=1; says*=/tests/nosuchfile' missing_file pvh /tests/probe-hvm
  fault no-kernel-pv 'exit=1; says*=/tests/nosuchfile' missing_file pv /tests/probe-pv
  fault no-disk 'exit=1; says*=/tests/nosuchfile' missing_file bootsector /tests/disk.img
  fault no-permission-create 'exit=1; says*=ermission' without_permission create -q /tests/outsider.xml
  fault dom0-gives-xl 'exit=0; gave=yes; left_domain=nothing' dom0_gives xl
  fault dom0-gives-xenclock 'exit=0; gave=yes' dom0_gives xenclock
  fault no-permission-list 'exit=1; says*=ermission' without_permission list
}
