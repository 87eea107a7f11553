# shellcheck shell=bash
# What domains are made of: by kind of guest, as domain XML and as xl.cfg.

# Puts this machine's TSC frequency for {host}, in Hz; {host+1000} is 1 kHz more.
with_host_frequency() {
  local text=$1 more
  while [[ $text =~ \{host([+-][0-9]+)?\} ]]; do
    more=${BASH_REMATCH[1]:-0}
    text=${text/"${BASH_REMATCH[0]}"/$((host_khz * 1000 + more))}
  done
  echo "$text"
}

# domain_xml NAME GUEST CONFIG: CONFIG is the clock element, with what belongs
# into <features> before it.
domain_xml() {
  local name=$1 guest=$2 config features clock os devices='' memory=32
  config=$(with_host_frequency "$3")
  features=${config%%<clock*}
  clock=${config#"$features"}
  case $guest in
    hvm) os="<type>hvm</type><loader type='rom'>/tests/probe-hvm</loader>" ;;
    pvh) os='<type>xenpvh</type><kernel>/tests/probe-hvm</kernel>' ;;
    pv) os='<type>xen</type><kernel>/tests/probe-pv</kernel>' ;;
    bootsector)
      os='<type>hvm</type>' memory=64
      devices="<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/tests/disk.img'/>
        <target dev='hda' bus='ide'/></disk>"
      ;;
    linux)
      os="<type>hvm</type><kernel>/tests/vmlinuz</kernel><initrd>/tests/linux-initrd</initrd>
        <cmdline>console=hvc0 quiet mitigations=off</cmdline>"
      memory=256
      ;;
  esac
  case $guest in
    hvm | bootsector | linux)
      features="<features><acpi/><apic/><pae/>$features</features>"
      devices+="<video><model type='none'/></video>"
      ;;
  esac
  cat << XML
<domain type='xen'>
  <name>$name</name>
  <memory unit='MiB'>$memory</memory>
  <vcpu>1</vcpu>
  <os>$os</os>
  $features
  $clock
  <devices>$devices</devices>
</domain>
XML
}

# domain_cfg NAME GUEST CONFIG: CONFIG is xl.cfg's settings, with ; between them; of $vcpus vCPUs, the
# HVM probe of $memory MiB, and Linux with $cmdline behind its own.
domain_cfg() {
  local name=$1 guest=$2 config=$3
  echo "name = \"$name\""
  echo "vcpus = ${vcpus:-1}"
  case $guest in
    hvm) printf '%s\n' 'type = "hvm"' "memory = ${memory:-32}" 'firmware_override = "/tests/probe-hvm"' ;;
    pvh) printf '%s\n' 'type = "pvh"' 'memory = 32' 'kernel = "/tests/probe-hvm"' ;;
    pv) printf '%s\n' 'type = "pv"' 'memory = 32' 'kernel = "/tests/probe-pv"' ;;
    bootsector)
      printf '%s\n' 'type = "hvm"' 'memory = 64' 'disk = ["format=raw,vdev=hda,backendtype=qdisk,target=/tests/disk.img"]'
      ;;
    linux)
      printf '%s\n' 'type = "hvm"' 'memory = 256' 'kernel = "/tests/vmlinuz"' 'ramdisk = "/tests/linux-initrd"' \
        "cmdline = \"console=hvc0 quiet mitigations=off${cmdline:+ $cmdline}\""
      ;;
  esac
  case $guest in
    hvm | bootsector | linux) printf '%s\n' 'vnc = 0' 'vga = "none"' 'serial = "none"' ;;
  esac
  tr ';' '\n' <<< "$config"
}
