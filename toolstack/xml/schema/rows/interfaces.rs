//! `<interface>`.

use super::super::row::{Section, mapped, no_effect, unsupported};

const OFFLOADS: &str = "Xen's network card negotiates offloads with the guest's driver";

pub(super) static SECTION: Section = Section {
    title: "Network cards",
    path: "devices/interface",
    rows: &[
        mapped("", "`vif`"),
        mapped("@type", "`vif`"),
        mapped("mac", "`mac=`"),
        mapped("source", "`bridge=`")
            .or_else(
                "interface-source",
                "libxl connects a card to a bridge, or runs a script that connects it",
            )
            .instead("write type='bridge' and <source bridge='NAME'/>"),
        mapped("script", "`script=`")
            .or_no_effect("host-card", "dom0 runs no script for a passed-through card"),
        mapped("target", "`vifname=`")
            .or_no_effect("host-card", "a passed-through card has no interface in dom0"),
        mapped("mtu", "`mtu=`")
            .or_else("host-card", "the guest itself sets the MTU of a passed-through card")
            .instead("set the MTU in the guest"),
        mapped("ip", "`ip=`").or_else("host-card", "dom0 does not see the traffic of a passed-through card"),
        mapped("model", "`model=`, `type=vif`")
            .or_no_effect("host-card", "a passed-through card keeps its own model"),
        mapped("@managed", "`seize=` of `pci`").or_no_effect("hostdev", "xl assigns host devices itself"),
        no_effect(
            "@trustGuestRxFilters",
            "macvtap-only",
            "only macvtap filters addresses; Xen's bridges accept any address",
        ),
        no_effect("mac/@type|check", "other-hypervisor", "how VMware assigns the address"),
        no_effect("mac/@currentAddress", "live-state", "the state of a running guest"),
        no_effect(
            "source/@portid|connectionid|macTableManager",
            "live-state",
            "libvirt's notes on its own networks",
        ),
        mapped("source/@bridge|network", "`bridge=`; for a libvirt network, xl's default bridge")
            .or_else(
                "interface-source",
                "libxl connects a card to a bridge, or runs a script that connects it",
            )
            .instead("write type='bridge' and <source bridge='NAME'/>"),
        unsupported(
            "source/@portgroup",
            "network-portgroup",
            "libxl does not know libvirt's networks and port groups",
        )
        .instead(
            "write the settings of the port group, such as <vlan> or <bandwidth>, on the interface itself",
        ),
        mapped("source/address", "`pci`, for a card of the host")
            .or_else(
                "interface-source",
                "libxl connects a card to a bridge, or runs a script that connects it",
            )
            .instead("write type='bridge' and <source bridge='NAME'/>"),
        no_effect(
            "source/address/@multifunction|device",
            "pci-address",
            "libxl identifies a card by its domain, bus, slot and function",
        ),
        unsupported(
            "source/*",
            "interface-source",
            "libxl connects a card to a bridge, or runs a script that connects it",
        )
        .instead("write type='bridge' and <source bridge='NAME'/>"),
        unsupported(
            "source/@address|dev|mode|missing|name|path|port|portgroupid|switchid|type",
            "interface-source",
            "libxl connects a card to a bridge, or runs a script that connects it",
        )
        .instead("write type='bridge' and <source bridge='NAME'/>"),
        no_effect("target/@managed", "own-names", "libxl creates the card's interface in dom0 itself"),
        no_effect("guest", "container-only", "a name within a container"),
        no_effect("ip/@prefix|peer", "ip-details", "dom0's network script routes single addresses"),
        unsupported("route", "interface-route", "libxl sets no routes, neither in the guest nor in dom0")
            .instead("set the route in the guest"),
        unsupported(
            "downscript",
            "interface-downscript",
            "libxl calls one script, with 'online' and 'offline'",
        )
        .instead("do it in the script of <script path=>, which is called with 'offline'"),
        no_effect("backend", "interface-backend", "QEMU's network backend; Xen's backend is netback"),
        mapped("backenddomain", "`backend=`")
            .or_else("interface-backend-domain", "dom0 serves the card")
            .in_file("write backend=DOMAIN in the vif's entry"),
        mapped("bandwidth", "`rate=`, which limits the guest's outgoing traffic")
            .or_else("rate", "the card is not limited")
            .instead(
                "in dom0, once the guest runs: tc qdisc add dev vifDOMID.NUMBER root tbf rate \
                RATE burst 64kb latency 50ms",
            )
            .in_file("write rate=10MB/s in the vif's entry, which limits the guest's outgoing traffic"),
        unsupported("bandwidth/inbound", "rate", "Xen limits only a guest's outgoing traffic").instead(
            "in dom0, once the guest runs: tc qdisc add dev vifDOMID.NUMBER root tbf rate \
                RATE burst 64kb latency 50ms",
        ),
        mapped("bandwidth/outbound/@peak|burst", "nothing: the limit is an average")
            .or_else("rate", "Xen's limit is an average over 50 ms"),
        no_effect("bandwidth/@classID", "live-state", "a traffic class of the host"),
        mapped("boot", "`boot`"),
        no_effect(
            "coalesce",
            "interface-tuning",
            "a tunable of the host's tap device; Xen's backend does not have it",
        ),
        no_effect(
            "tune",
            "interface-tuning",
            "a tunable of the host's tap device; Xen's backend does not have it",
        ),
        no_effect("driver", "virtio-option", "an option of virtio devices; on Xen there are none"),
        unsupported("driver/host|guest", "interface-offloads", OFFLOADS)
            .instead("in the guest: ethtool -K DEVICE FEATURE off"),
        unsupported(
            "filterref",
            "interface-filter",
            "libvirt's network filters do not apply to guests of xl",
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
        unsupported("teaming", "interface-teaming", "Xen does not pair a network card with a host device")
            .instead("bond the two cards in the guest"),
        mapped("virtualport", "`script=vif-openvswitch`")
            .or_else("virtualport", "libxl connects a card to a plain bridge")
            .in_file("write script=vif-openvswitch in the vif's entry, for an Open vSwitch bridge"),
        unsupported(
            "virtualport/parameters",
            "virtualport",
            "Xen's network scripts pass no parameters of the port to the switch",
        ),
        unsupported("vlan", "vlan", "libxl does not tag traffic on a plain bridge")
            .instead("create a bridge for the VLAN in dom0, and name it in <source bridge=>")
            .in_file(
                "write bridge=NAME.TAG,script=vif-openvswitch in the vif's entry, for an Open vSwitch bridge",
            ),
        unsupported(
            "acpi",
            "acpi-index",
            "libxl assigns no ACPI index by which the guest could name the card",
        )
        .instead("in the guest, identify the card by its MAC address"),
    ],
};
