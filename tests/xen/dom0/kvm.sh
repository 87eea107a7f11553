# shellcheck shell=bash
# Domain XML that was written for KVM: mapped to this dom0, converted, and started by xenclock from the XML and by stock
# xl from the xl.cfg. The guest, Linux, tells what it sees of its devices.

kvm_rules() {
  printf '%s\n' network:default=xenbr0 path:/var/lib/libvirt/boot=/tests path:/var/lib/libvirt/images=/tests/images path:/srv/share=/tests/shared
}

# What the administrator of a dom0 has made: a bridge, the disks, and a folder to share.
kvm_host() {
  local name
  modprobe -a bridge tun xen-netback && brctl addbr xenbr0 && ip addr add 192.168.122.1/24 dev xenbr0 &&
    ip link set xenbr0 up || return
  mkdir -p images shared
  echo 'a line of dom0' > shared/from-dom0
  for name in kvm/*.xml; do
    name=$(basename "$name" .xml)
    echo "the disk of $name" > "images/$name.img"
    truncate -s 1M "images/$name.img"
  done
}

# A guest that stays paused: the emulator itself breaks down while OVMF runs.
held() { [ "$1" = q35 ]; }

# kvm_start MAKER NAME: converts it for the maker, starts it, and looks at it from both sides.
kvm_start() {
  local form=xl file=$dir/domain.cfg domid
  [ "$1" = xl ] || form=xml file=$dir/domain.xml
  kvm_rules > "$dir/rules"
  run_command xenclock convert --to $form --map-file "$dir/rules" -o "$file" "kvm/$2.xml" || return
  mv "$dir/stderr" "$dir/converted"
  [ "$1" != xl ] || ! declare -F "remedy_$2" > /dev/null || "remedy_$2" "$file"
  rm -f "/var/log/xen/console/guest-$2.log"
  # shellcheck disable=SC2046 # an option or none
  run_command "$1" create -q $(held "$2" && echo -p) "$file" || return
  domid=$(xl domid "$2") || return
  tr '\0' '\n' < "/proc/$(xenstore-read "/local/domain/$domid/image/device-model-pid")/cmdline" > "$dir/device-model"
  seen[bios]=$(xenstore-read "/local/domain/$domid/hvmloader/bios")
  ! declare -F "meet_$2" > /dev/null || "meet_$2" "$domid"
  held "$2" || look_linux "$2" 500
  ! declare -F "part_$2" > /dev/null || "part_$2"
  xenstore-ls "/local/domain/$domid" > "$dir/xenstore" 2>&1
}

# answered FACT PATH SECONDS: what the guest says there, and is answered.
answered() { seen[$1_said]=$(talk "$2" "$3" "dom0's answer to the $1"); }

meet_ports() {
  answered serial "$(xenstore-read "/local/domain/$1/serial/1/tty")" 500
  xl channel-list ports > "$dir/channels"
  answered channel "$(sed -n 's/^socket,id=libxl-channel[0-9]*,path=\([^,]*\),.*/\1/p' "$dir/device-model")" 120
}

# What first-channel says to write for stock xl.
remedy_ports() { sed -i 's/^channel = \[ /&"connection=pty,name=unused", /' "$1"; }

# A SPICE server answers a client that links to its main channel with its magic number.
meet_spice() {
  exec 5<> /dev/tcp/127.0.0.1/5900 || return
  printf 'REDQ\2\0\0\0\2\0\0\0\22\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\22\0\0\0' >&5
  seen[spice]=$(timeout 60 head -c 4 <&5)
  exec 5>&-
}

meet_pinned() {
  xl vcpu-list pinned > "$dir/vcpus"
  seen[affinity]=$(awk 'NR > 1 { printf "%s%s on %s", sep, $3, $7; sep = ", " }' "$dir/vcpus")
}

part_pinned() { seen[written]=$(cat shared/from-guest) && rm shared/from-guest; }

# kvm_once MAKER NAME: until the guest is gone.
kvm_once() {
  local faults_before began
  seen=() silent=
  faults_before=$(triple_faults) began=$(now_ms)
  kvm_start "$1" "$2" > "$dir/said" 2>&1
  seen[age_ms]=$(($(now_ms) - began))
  cp -r /var/log/xen/*"$2"* "$dir/" 2> /dev/null
  destroy "$1" "$2"
  held "$2" || { [ "$(triple_faults)" = "$faults_before" ] && [ -n "${seen[done]:-}" ]; } || silent=yes
}

# kvm_case MAKER NAME EXPECTED: once more if the emulator has felled its guest.
kvm_case() {
  local maker=$1 name=$2 expected=$3 case=kvm-$2 asked=kvm/$2.xml
  chosen "$case" || return 0
  [ "$maker" = xenclock ] || case+=/xl asked="converted: $asked"
  dir=$out/cases/$case
  mkdir -p "$dir"
  kvm_once "$maker" "$name"
  check "$expected"
  if [ "$verdict" != pass ] && [ -n "$silent" ]; then
    asked+=' (run twice: the first guest had a triple fault or said nothing)'
    kvm_once "$maker" "$name"
    check "$expected"
  fi
  for key in "${!seen[@]}"; do echo "$key=${seen[$key]}"; done | sort > "$dir/facts"
  record "$case" linux "$maker" "$asked"
}

run_kvm() {
  local maker both='exit=0; disk_driver=vbd; nic_driver=vif; ping=answered'
  kvm_host || { echo '     dom0 has no bridge' >> "$progress"; failures=$((failures + 1)); return; }
  for maker in xenclock xl; do
    kvm_case $maker q35 'exit=0; bios=ovmf'
    kvm_case $maker spice "$both; disk=the disk of spice; mac=52:54:00:6b:3c:03; spice=REDQ; video=1b36:0100; sound=8086:2668; agent=com.redhat.spice.0"
    kvm_case $maker virtio "$both; disk=the disk of virtio; mac=52:54:00:6b:3c:01; bios=seabios; firmware=bios"
    kvm_case $maker pinned "$both; disk=the disk of pinned; mac=52:54:00:6b:3c:05; vcpus=2; affinity=0 on 1, 1 on 0; share=a line of dom0; written=a line of the guest"
    kvm_case $maker ports "$both; disk=the disk of ports; mac=52:54:00:6b:3c:04; serial_said=serial of the guest; serial=dom0's answer to the serial; console_1=org.qemu.guest_agent.0; channel_said=channel of the guest; channel=dom0's answer to the channel"
  done
}
