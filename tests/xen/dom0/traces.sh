# shellcheck shell=bash
# What a domain leaves behind when it is gone: nothing, it should be.

traces() {
  xl list | awk 'NR > 1 { print "domain " $1 }'
  for node in /local/domain /vm /libxl; do
    xenstore-list "$node" 2> /dev/null | sed "s#^#xenstore $node/#"
  done
  # shellcheck disable=SC2012 # of the links of all processes at once
  ls -l /proc/[0-9]*/exe 2> /dev/null | awk '$NF ~ /qemu|\/xl$|\/xenclock$/ { print "process " $NF, $(NF - 2) }'
  # libxl notes there which numbers domains have had; what we lock stays
  find /var/lib/xen /run/xen /var/lib/xenclock /tmp ! -type d ! -name domid-history ! -path /var/lib/xenclock/lock ! -path /var/lib/xenclock/watched 2> /dev/null |
    sed 's/^/file /'
}

# new_traces FILE [KINDS]: what is there now and was not in FILE, in one line; KINDS
# are those looked at, all of them without. What goes away by itself is given time.
new_traces() {
  local left
  for _ in {1..6}; do
    left=$(comm -13 <(sort "$1") <(traces | sort) | grep -E "^(${2:-.*}) ")
    [ -n "$left" ] || break
    sleep 1
  done
  left=${left//$'\n'/, }
  echo "${left:-nothing}"
}
