//! Settings that domain XML cannot express, from `<metadata>` in xenclock's namespace: fields of libxl's config and of
//! the clock, with their values as JSON.

use serde_json::Value as Json;

use super::super::cursor::{Element, Result};
use crate::diag::Finding;
use crate::domain::Domain;
use crate::domain::changes::{self, Change, Kept};
use crate::domain::libvirt::KEPT_NAMESPACE;

/// The element in `<metadata>`, if there is one.
pub(super) fn element<'t>(metadata: &Element<'t>) -> Option<Element<'t>> {
    metadata.elements().find(|element| {
        let Some((prefix, "domain")) = element.name().split_once(':') else { return false };
        let declaration = format!("xmlns:{prefix}");
        let declared = element.attr(&declaration).or_else(|| metadata.attr(&declaration));
        declared.is_some_and(|uri| uri.text == KEPT_NAMESPACE)
    })
}

/// Puts what is kept into the domain.
pub(super) fn read(root: &Element<'_>, domain: &mut Domain) -> Result<()> {
    let Some(kept) = root.children("metadata").next().and_then(|metadata| element(&metadata)) else {
        return Ok(());
    };
    for element in kept.elements() {
        let Some(field) = element.attr("field") else {
            let finding = Finding::invalid("no-field", "it does not name a field of libxl's config");
            return Err(element.error(finding.instead("remove it, or convert the domain again")));
        };
        let value = || -> Result<Json> {
            let text = element.text()?.map_or("", |text| text.text);
            serde_json::from_str(text).map_err(|error| {
                let finding = Finding::invalid("bad-value", format!("not a JSON value: {error}"));
                element.error(finding.instead("write a string in double quotes, a number, true or false"))
            })
        };
        let to = match element.name().rsplit(':').next() {
            Some("set") => Kept::Set(value()?),
            Some("add") => Kept::Add(value()?),
            Some("unset") => Kept::Unset,
            _ => {
                let finding =
                    Finding::invalid("unknown-element", format!("there is no <{}>", element.name()));
                return Err(element.error(finding.instead("write set, add or unset")));
            }
        };
        let change = Change { field: field.text.to_owned(), to };
        match changes::make(&domain.config, &domain.clock, &[change]) {
            Ok((config, clock)) => (domain.config, domain.clock) = (config, clock),
            Err(changes::ChangeError::NoSuchField(field)) => {
                let reason = format!("the device of {field} no longer exists");
                element.mark(Finding::no_effect("kept-gone", reason));
            }
            Err(changes::ChangeError::NoDomain(error)) => {
                let finding =
                    Finding::invalid("bad-value", format!("not a value of {}: {error}", field.text));
                return Err(element.error(finding.instead("remove it, or convert the domain again")));
            }
        }
    }
    Ok(())
}
