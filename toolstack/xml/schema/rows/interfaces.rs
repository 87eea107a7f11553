//! `<interface>`.

use super::super::row::{Section, mapped, no_effect, unsupported};

const OFFLOADS: &str = "Xen's network card settles offloads with the guest's driver";

pub(super) static SECTION: Section = Section {
    title: "Network cards",
    path: "devices/interface",
    rows: &[
        mapped("", "`vif`"),
        mapped("@type", "`vif`"),
        mapped("mac", "`mac=`"),
        mapped("source", "`bridge=`")
            .or_else("interface-source", "libxl plugs a card into a bridge, or leaves it to a script")
            .instead("write type='bridge' and <source bridge='NAME'/>"),
        mapped("script", "`script=`")
            .or_no_effect("host-card", "dom0 calls no script for a card that is passed through"),
        mapped("target", "`vifname=`")
            .or_no_effect("host-card", "a card that is passed through has no end in dom0"),
        mapped("mtu", "`mtu=`")
            .or_else("host-card", "the guest itself sets the MTU of a card that is passed through")
            .instead("set the MTU in the guest"),
        mapped("ip", "`ip=`")
            .or_else("host-card", "dom0 does not see the traffic of a card that is passed through"),
        mapped("model", "`model=`, `type=vif`")
            .or_no_effect("host-card", "a passed-through card keeps its own model"),
        mapped("@managed", "`seize=` of `pci`")
            .or_no_effect("hostdev", "xl assigns host devices in its own way"),
        no_effect(
            "@trustGuestRxFilters",
            "macvtap-only",
            "only macvtap filters addresses; Xen's bridges take any",
        ),
        no_effect("mac/@type|check", "other-hypervisor", "how VMware takes the address"),
        no_effect("mac/@currentAddress", "live-state", "the state of a running guest"),
        no_effect(
            "source/@portid|connectionid|macTableManager",
            "live-state",
            "libvirt's notes on its own networks",
        ),
        mapped("source/@bridge|network", "`bridge=`; a network of libvirt's: xl's usual bridge")
            .or_else("interface-source", "libxl plugs a card into a bridge, or leaves it to a script")
            .instead("write type='bridge' and <source bridge='NAME'/>"),
        unsupported(
            "source/@portgroup",
            "network-portgroup",
            "libxl knows no libvirt networks and their groups",
        )
        .instead("write on the interface itself what the group holds, as <vlan> or <bandwidth>"),
        mapped("source/address", "`pci`, for a card of the host")
            .or_else("interface-source", "libxl plugs a card into a bridge, or leaves it to a script")
            .instead("write type='bridge' and <source bridge='NAME'/>"),
        no_effect(
            "source/address/@multifunction|device",
            "pci-address",
            "libxl takes a card by its domain, bus, slot and function",
        ),
        unsupported(
            "source/*",
            "interface-source",
            "libxl plugs a card into a bridge, or leaves it to a script",
        )
        .instead("write type='bridge' and <source bridge='NAME'/>"),
        unsupported(
            "source/@address|dev|mode|missing|name|path|port|portgroupid|switchid|type",
            "interface-source",
            "libxl plugs a card into a bridge, or leaves it to a script",
        )
        .instead("write type='bridge' and <source bridge='NAME'/>"),
        no_effect("target/@managed", "own-names", "libxl makes the card's end in dom0 itself"),
        no_effect("guest", "container-only", "a name within a container"),
        no_effect("ip/@prefix|peer", "ip-details", "dom0's network script routes single addresses"),
        unsupported("route", "interface-route", "libxl sets no routes, in the guest or in dom0")
            .instead("set the route in the guest"),
        unsupported(
            "downscript",
            "interface-downscript",
            "libxl calls one script, with 'online' and 'offline'",
        )
        .instead("do it in the script of <script path=>, where it is called with 'offline'"),
        no_effect("backend", "interface-backend", "which backend QEMU takes; Xen's is netback"),
        mapped("backenddomain", "`backend=`")
            .or_else("interface-backend-domain", "the card is served from dom0")
            .in_file("write backend=DOMAIN in the vif's entry"),
        mapped("bandwidth", "`rate=`, which limits what the guest sends")
            .or_else("rate", "the card is not limited")
            .instead(
                "in dom0, once the guest runs: tc qdisc add dev vifDOMID.NUMBER root tbf rate \
                RATE burst 64kb latency 50ms",
            )
            .in_file("write rate=10MB/s in the vif's entry, which limits what the guest sends"),
        unsupported("bandwidth/inbound", "rate", "Xen limits only what a guest sends").instead(
            "in dom0, once the guest runs: tc qdisc add dev vifDOMID.NUMBER root tbf rate \
                RATE burst 64kb latency 50ms",
        ),
        mapped("bandwidth/outbound/@peak|burst", "nothing: the limit is an average")
            .or_else("rate", "Xen's limit is an average over 50 ms"),
        no_effect("bandwidth/@classID", "live-state", "a number of the host's traffic classes"),
        mapped("boot", "`boot`"),
        no_effect(
            "coalesce",
            "interface-tuning",
            "a tunable of the host's tap device; Xen's backend has none",
        ),
        no_effect("tune", "interface-tuning", "a tunable of the host's tap device; Xen's backend has none"),
        no_effect("driver", "virtio-option", "an option of virtio devices; on Xen there are none"),
        unsupported("driver/host|guest", "interface-offloads", OFFLOADS)
            .instead("in the guest: ethtool -K DEVICE FEATURE off"),
        unsupported(
            "filterref",
            "interface-filter",
            "libvirt's network filters do not reach a guest of xl's",
        )
        .instead("filter the guest's vif in dom0 with nftables"),
        unsupported("link", "interface-link", "libxl starts every card with its link up")
            .instead("in dom0, once the guest runs: ip link set vifDOMID.NUMBER down")
            .unless("state", &["up"]),
        unsupported("port", "interface-isolated", "libxl does not isolate ports of a bridge")
            .instead("in dom0, once the guest runs: bridge link set dev vifDOMID.NUMBER isolated on")
            .unless("isolated", &["no"]),
        unsupported("portForward", "interface-forward", "libxl forwards no ports")
            .instead("forward the port in dom0 with nftables"),
        unsupported("rom", "option-rom", "libxl itself chooses the boot ROM of an emulated card"),
        unsupported("teaming", "interface-teaming", "Xen pairs no card with a host device")
            .instead("bond the two cards in the guest"),
        mapped("virtualport", "`script=vif-openvswitch`")
            .or_else("virtualport", "libxl plugs a card into a plain bridge")
            .in_file("write script=vif-openvswitch in the vif's entry, for a bridge of Open vSwitch"),
        unsupported(
            "virtualport/parameters",
            "virtualport",
            "Xen's network scripts tell the switch nothing of the port",
        ),
        unsupported("vlan", "vlan", "libxl tags no traffic on a plain bridge")
            .instead("make a bridge of the VLAN in dom0, and write it as <source bridge=>")
            .in_file(
                "write bridge=NAME.TAG,script=vif-openvswitch in the vif's entry, for a \
                bridge of Open vSwitch",
            ),
        unsupported("acpi", "acpi-index", "libxl gives cards no number that the guest names them by")
            .instead("name the card in the guest by its MAC address"),
    ],
};
