//! `<qemu:commandline>` and `<xen:commandline>`: arguments for the device model.

use super::super::cursor::Element;
use super::guest::Guest;
use crate::diag::Finding;
use crate::domain::Part;

/// The ends of libvirt's namespaces.
const QEMU: &str = "/schemas/domain/qemu/1.0";
const XEN: &str = "/schemas/domain/xen/1.0";

/// Options of QEMU's that libxl gives by itself, or that QEMU does not take on Xen.
const NOT_ON_XEN: &[&str] = &[
    "-accel",
    "-cpu",
    "-enable-kvm",
    "-m",
    "-M",
    "-machine",
    "-numa",
    "-overcommit",
    "-no-kvm",
    "-smp",
    "-mem-path",
    "-mem-prealloc",
    "-bios",
    "-pflash",
    "-rtc",
    "-tpmdev",
];

/// Those of them that stand alone, without a value behind them.
const WITHOUT_VALUE: &[&str] = &["-enable-kvm", "-no-kvm", "-mem-prealloc"];

pub(super) fn read(root: &Element<'_>, guest: &mut Guest<'_>) {
    for element in root.elements() {
        let Some((prefix, "commandline")) = element.name().split_once(':') else { continue };
        let declaration = format!("xmlns:{prefix}");
        let Some(namespace) = element.attr(&declaration).or_else(|| root.attr(&declaration)) else {
            continue;
        };
        let of_qemu = namespace.text.ends_with(QEMU);
        if !of_qemu && !namespace.text.ends_with(XEN) {
            continue;
        }
        let element = element.take();
        element.is(Part::Arguments);
        let arguments = arguments(&element, prefix);
        if of_qemu {
            let reason = "written for another hypervisor's QEMU, and passed unchanged to Xen's QEMU";
            let instead = "remove the arguments that Xen's QEMU does not know: it exits if it gets one, and so ends the guest";
            element.mark(Finding::approximated("qemu-arguments", reason).instead(instead));
        }
        let b_info = &mut guest.config.b_info;
        match (of_qemu, b_info.hvm.is_some()) {
            (true, true) => b_info.extra_hvm.extend(arguments),
            (true, false) => b_info.extra_pv.extend(arguments),
            (false, _) => b_info.extra.extend(arguments),
        }
    }
}

/// The values of the `<arg>` elements; those that Xen's QEMU cannot take are left out with what belongs to them.
fn arguments(commandline: &Element<'_>, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut skip = None;
    for argument in commandline.children(&format!("{prefix}:arg")) {
        let Some(value) = argument.take().attr("value") else { continue };
        let of = skip.take();
        // `--option` is `-option`.
        let option = value.text.strip_prefix('-').filter(|rest| rest.starts_with('-')).unwrap_or(value.text);
        if let Some(of) = of.or(Some(option).filter(|option| NOT_ON_XEN.contains(option))) {
            argument.mark_whole(&if of == "-rtc" {
                let reason = "Xen itself emulates the guest's RTC; QEMU's -rtc has no effect on it";
                Finding::unsupported("qemu-argument", reason)
                    .instead("write it in <clock>, as <clock offset='localtime'/>")
            } else {
                let reason =
                    format!("{of} is not passed to Xen's QEMU: libxl sets it itself, or only KVM has it");
                Finding::unsupported("qemu-argument", reason)
            });
            if of == option && !WITHOUT_VALUE.contains(&option) {
                skip = Some(option);
            }
            continue;
        }
        found.push(value.text.to_owned());
    }
    found
}
