//! `<seclabel>`: the label of Xen's security module, FLASK.

use super::super::cursor::{Element, Result};
use super::guest::Guest;
use crate::diag::Finding;

pub(super) fn read(root: &Element<'_>, guest: &mut Guest<'_>) -> Result<()> {
    for label in root.children("seclabel") {
        let model = label.attr("model").map(|model| model.text);
        let of_xen = model.map_or(guest.for_xen, |model| model == "flask");
        if !of_xen {
            let reason = "a label of the host's processes and files; a guest on Xen is neither";
            label.mark_whole(&Finding::no_effect("host-label", reason));
            continue;
        }
        let text = label.children("label").next();
        if label.attr("type").is_some_and(|kind| kind.text != "static") || text.is_none() {
            let reason = "a guest without a label gets the default label of the policy";
            label.mark_whole(&Finding::no_effect("policy-label", reason));
            continue;
        }
        let label = label.take();
        if let Some(text) = label.child_text("label")? {
            guest.config.c_info.ssid_label = Some(text.text.to_owned());
        }
        if let Some(relabel) = label.attr("relabel") {
            relabel.mark(Finding::no_effect("relabel", "FLASK does not label files"));
        }
        for base in ["baselabel", "imagelabel"] {
            if let Some(base) = label.child(base) {
                base.mark_whole(&Finding::no_effect("relabel", "FLASK does not label files"));
            }
        }
    }
    Ok(())
}
