//! `<filesystem>`: a directory of dom0 in the guest.

use super::super::cursor::{Element, Result};
use super::guest::Guest;
use super::placed_by_xen;
use crate::diag::Finding;
use crate::domain::config::P9;

pub(super) fn read(devices: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    for element in devices.children("filesystem") {
        let kind = element.attr("type").map_or("mount", |kind| kind.text);
        if kind != "mount" {
            let reason = format!("Xen shares a directory of dom0, not a {kind}");
            let instead = "mount it in dom0, and write type='mount' with the directory";
            element.leave_out(Finding::unsupported("filesystem", reason).instead(instead));
            continue;
        }
        let source = element.children("source").next();
        if source.is_some_and(|source| source.attr("dir").is_none() && source.attr("socket").is_some()) {
            let reason = "Xen's 9pfs shares a directory of dom0 itself, not over the socket of a virtiofsd";
            let instead = "write the directory: <source dir='/DIR'/>";
            element.leave_out(Finding::unsupported("filesystem", reason).instead(instead));
            continue;
        }
        if element.children("readonly").next().is_some() {
            let reason = "Xen's 9pfs cannot be read-only";
            let instead =
                "bind-mount the directory read-only in dom0 (mount -o bind,ro), and remove <readonly/>";
            element.leave_out(Finding::unsupported("filesystem", reason).instead(instead));
            continue;
        }
        share(&element.take(), guest)?;
    }
    Ok(())
}

fn share(element: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    let text = |child: &str, name: &str| -> Result<String> {
        let value =
            element.child(child).and_then(|child| child.attr(name)).filter(|value| !value.text.is_empty());
        let Some(value) = value else {
            let has_lost = element.children(child).next().is_some_and(|child| child.has_lost(name));
            if !has_lost {
                let finding = Finding::invalid("no-directory", format!("the share has no {child}"));
                element.report(finding.instead(format!("write <{child} {name}='...'/> in <filesystem>")));
            }
            return Ok(String::new());
        };
        if value.text.contains([',', '=', '\n']) {
            return Err(value.not("a value that xl.cfg can hold here: neither a comma nor '='"));
        }
        Ok(value.text.to_owned())
    };
    let (path, tag) = (text("source", "dir")?, text("target", "dir")?);
    if let Some(mode) = element.attr("accessmode").filter(|mode| mode.text != "passthrough") {
        let reason =
            "Xen's 9pfs keeps owners and modes as they are in dom0, as accessmode='passthrough' does";
        mode.mark(Finding::approximated("filesystem-mode", reason));
    }
    let driver = element.child("driver");
    let driver_type = driver.and_then(|driver| driver.attr("type"));
    if let Some(kind) = driver_type {
        kind.mark(if kind.text == "virtiofs" {
            let finding = Finding::approximated("filesystem-driver", "Xen's 9pfs, not virtiofs");
            finding.instead(format!("let the guest mount it with: mount -t 9p -o trans=xen {tag} /DIR"))
        } else {
            Finding::no_effect("filesystem-driver", "Xen shares directories only over 9pfs")
        });
    }
    if !guest.for_xen && driver_type.is_none_or(|kind| kind.text != "virtiofs") {
        let finding = Finding::approximated("filesystem-transport", "Xen's 9pfs has its own transport");
        element.mark(
            finding.instead(format!("let the guest mount it with: mount -t 9p -o trans=xen {tag} /DIR")),
        );
    }
    placed_by_xen(element);
    // Unlike other devices, xl leaves a share's number to libxl.
    let security_model = Some("none".to_owned());
    guest.config.p9s.push(P9 { tag: Some(tag), path: Some(path), security_model, ..P9::default() });
    Ok(())
}
