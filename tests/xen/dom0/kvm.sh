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

# kvm_start MAKER NAME: converts it for the maker, starts it, and meets it.
kvm_start() {
  local form=xl file=$dir/domain.cfg domid
  [ "$1" = xl ] || form=xml file=$dir/domain.xml
  kvm_rules > "$dir/rules"
  run_command xenclock convert --to $form --map-file "$dir/rules" -o "$file" "kvm/$2.xml" || return
  mv "$dir/stderr" "$dir/converted"
  rm -f "/var/log/xen/console/guest-$2.log"
  run_command "$1" create -q "$file" || return
  domid=$(xl domid "$2") || return
  tr '\0' '\n' < "/proc/$(xenstore-read "/local/domain/$domid/image/device-model-pid")/cmdline" > "$dir/device-model"
  seen[bios]=$(xenstore-read "/local/domain/$domid/hvmloader/bios")
  ! declare -F "meet_$2" > /dev/null || "meet_$2" "$domid"
  look_linux "$2" 400
  xenstore-ls "/local/domain/$domid" > "$dir/xenstore" 2>&1
}

# kvm_once MAKER NAME: until the guest is gone.
kvm_once() {
  local faults_before began
  seen=() silent=
  faults_before=$(triple_faults) began=$(now_ms)
  kvm_start "$1" "$2" > "$dir/said" 2>&1
  seen[age_ms]=$(($(now_ms) - began))
  cp -r /var/log/xen/*"$2"* "$dir/" 2> /dev/null
  destroy "$1" "$2"
  [ "$(triple_faults)" = "$faults_before" ] && [ -n "${seen[done]:-}" ] || silent=yes
}

# kvm_case NAME EXPECTED: by both makers, each once more if the emulator has felled its guest.
kvm_case() {
  local name=$1 expected=$2 maker case asked
  for maker in xenclock xl; do
    case=kvm-$name asked="kvm/$name.xml"
    [ $maker = xenclock ] || case+=/xl asked="converted: $asked"
    chosen "${case%/xl}" || return 0
    dir=$out/cases/$case
    mkdir -p "$dir"
    kvm_once $maker "$name"
    check "$expected"
    if [ "$verdict" != pass ] && [ -n "$silent" ]; then
      asked+=' (run twice: the first guest had a triple fault or said nothing)'
      kvm_once $maker "$name"
      check "$expected"
    fi
    for key in "${!seen[@]}"; do echo "$key=${seen[$key]}"; done | sort > "$dir/facts"
    record "$case" linux $maker "$asked"
  done
}

run_kvm() {
  local devices='exit=0; disk_driver=vbd; nic_driver=vif; ping=answered'
  kvm_host || { echo '     dom0 has no bridge' >> "$progress"; failures=$((failures + 1)); return; }
  kvm_case virtio "$devices; disk=the disk of virtio; mac=52:54:00:6b:3c:01; firmware=bios"
}
