//! `<watchdog>`: an emulated watchdog is QEMU's own; Xen's watchdog is not emulated, and the guest loads a driver for
//! it.

use super::super::cursor::{Element, Result};
use super::guest::Guest;
use super::placed_by_xen;
use crate::diag::Finding;
use crate::domain::ShutdownAction;

/// libvirt's actions, QEMU's, and what `on_watchdog` says for Xen's own watchdog.
const ACTIONS: &[(&str, (&str, ShutdownAction))] = &[
    ("reset", ("reset", ShutdownAction::Restart)),
    ("shutdown", ("shutdown", ShutdownAction::Destroy)),
    ("poweroff", ("poweroff", ShutdownAction::Destroy)),
    ("pause", ("pause", ShutdownAction::Preserve)),
    ("dump", ("pause", ShutdownAction::CoredumpRestart)),
    ("none", ("none", ShutdownAction::Preserve)),
    ("inject-nmi", ("inject-nmi", ShutdownAction::Restart)),
];

pub(super) fn read(devices: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let mut first = true;
    for watchdog in devices.children("watchdog") {
        let model = watchdog.attr("model").map_or("", |model| model.text);
        let emulated = matches!(model, "i6300esb" | "ib700") && guest.is_hvm();
        if !first || (guest.is_hvm() && !emulated) {
            let reason = if first {
                format!("Xen's QEMU has no watchdog {model}")
            } else {
                "a guest has one watchdog".to_owned()
            };
            let finding = Finding::unsupported("watchdog", reason);
            watchdog.leave_out(if first { finding.instead("write model='i6300esb'") } else { finding });
            continue;
        }
        first = false;
        let watchdog = watchdog.take();
        placed_by_xen(&watchdog);
        let action = watchdog.attr("action");
        let (qemu, on_watchdog) = match action {
            Some(value) => value.one_of(ACTIONS)?,
            None => ("reset", ShutdownAction::Restart),
        };
        if let Some(value) = action.filter(|value| value.text == "dump") {
            let reason = match emulated {
                true => "QEMU pauses the guest, and libxl writes no core dump of it",
                false => "Xen stops the guest, writes a core dump and restarts it",
            };
            value.mark(Finding::approximated("watchdog-dump", reason));
        }
        guest.config.on_watchdog = on_watchdog;
        if emulated {
            guest.qemu(["-device", model, "-watchdog-action", qemu]);
            let reason = "libxl has no emulated watchdogs; the watchdog is passed to its QEMU";
            watchdog.mark(Finding::approximated("watchdog", reason));
        } else {
            let finding = Finding::approximated("watchdog", "Xen's own watchdog replaces the emulated one");
            watchdog
                .mark(finding.instead("load the driver of Xen's watchdog in the guest: modprobe xen_wdt"));
        }
    }
    Ok(())
}
