//! Differences between two domains, field by field: they keep the settings that a format cannot express.
//!
//! A field is identified by its place in libxl's JSON, as a JSON pointer; the clock is `clock`. A device that can be
//! distinguished from others of its kind is identified by its key, as in `/disks/vdev=xvda/discard_enable`.

use std::collections::HashMap;

use serde_json::{Map, Value};
use timers::GuestClock;

use super::config::{Defbool, DeviceModelVersion, DomainConfig};
use super::project::{self, OffsetIn};

/// A change of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The field.
    pub field: String,
    /// The change.
    pub to: Kept,
}

/// The change to a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// It has this value.
    Set(Value),
    /// It has its default.
    Unset,
    /// It is an item of a list, put in before the one that has its number.
    Add(Value),
}

/// Why a change cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The device that it is of is not there.
    #[error("there is nothing at {0}")]
    NoSuchField(String),
    /// The domain that it leads to is none.
    #[error("{0}")]
    NoDomain(String),
}

/// The field that tells a device from others of its kind.
const TELLING: [(&str, &str); 3] = [("disks", "vdev"), ("nics", "mac"), ("channels", "name")];

/// More that tells whether two devices are the same one.
const SAME: [&str; 9] = ["vdev", "mac", "name", "domain", "bus", "dev", "func", "tag", "version"];

/// The changes that lead from one domain to another. What libxl gives a guest by itself is no difference.
#[must_use]
pub fn between(from: (&DomainConfig, &GuestClock), to: (&DomainConfig, &GuestClock)) -> Vec<Change> {
    let (Ok(from), Ok(to)) = (value(&settled(from.0, from.1), from.1), value(&settled(to.0, to.1), to.1))
    else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    compare(&from, &to, "", "", &mut changes);
    changes
}

/// Makes the changes.
///
/// # Errors
/// If a change names a missing device, or has a value that its field does not accept.
pub fn make(
    config: &DomainConfig,
    clock: &GuestClock,
    changes: &[Change],
) -> Result<(DomainConfig, GuestClock), ChangeError> {
    let broken = |error: serde_json::Error| ChangeError::NoDomain(error.to_string());
    let mut domain = value(config, clock).map_err(broken)?;
    for change in changes {
        apply(&mut domain, change).ok_or_else(|| ChangeError::NoSuchField(change.field.clone()))?;
    }
    let clock = domain.as_object_mut().and_then(|fields| fields.shift_remove("clock")).unwrap_or_default();
    let clock = serde_json::from_value(clock).map_err(broken)?;
    Ok((serde_json::from_value(domain).map_err(broken)?, clock))
}

/// A config as it is started with this clock, save its offset, with the defaults that libxl fills in for fields that a
/// domain XML always speaks of.
#[must_use]
pub fn settled(config: &DomainConfig, clock: &GuestClock) -> DomainConfig {
    let mut config = config.clone();
    project::clock(&mut config, clock, OffsetIn::Outside);
    let yes = |field: &mut Option<Defbool>| *field = field.or(Some(Defbool::True));
    let no = |field: &mut Option<Defbool>| *field = field.or(Some(Defbool::False));
    for nic in &mut config.nics {
        nic.bridge.get_or_insert_with(|| "xenbr0".to_owned());
    }
    let b_info = &mut config.b_info;
    if b_info.max_memkb.is_none() {
        b_info.max_memkb = b_info.target_memkb;
    }
    let Some(hvm) = b_info.hvm.as_mut() else { return config };
    // Older files have these two in another place.
    if hvm.acpi.is_none() && hvm.apic.is_none() {
        yes(&mut b_info.acpi);
        yes(&mut b_info.apic);
    }
    if b_info.device_model_stubdomain != Some(Defbool::True) {
        b_info.device_model_version.get_or_insert(DeviceModelVersion::QemuXen);
    }
    yes(&mut hvm.pae);
    no(&mut hvm.viridian);
    no(&mut hvm.sdl.enable);
    yes(&mut hvm.vnc.enable);
    if hvm.vnc.enable == Some(Defbool::True) {
        yes(&mut hvm.vnc.findunused);
        hvm.vnc.listen.get_or_insert_with(|| "127.0.0.1".to_owned());
    }
    if hvm.spice.enable == Some(Defbool::False) {
        hvm.spice.enable = None;
    }
    config
}

fn value(config: &DomainConfig, clock: &GuestClock) -> serde_json::Result<Value> {
    let mut domain = serde_json::to_value(config)?;
    if let Some(fields) = domain.as_object_mut() {
        fields.insert("clock".to_owned(), serde_json::to_value(clock)?);
    }
    Ok(domain)
}

fn compare(from: &Value, to: &Value, path: &str, name: &str, changes: &mut Vec<Change>) {
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => objects(from, to, path, changes),
        (Value::Array(from), Value::Array(to)) if lists(from, to, path, name, changes) => {}
        (from, to) if from == to => {}
        (_, to) => changes.push(Change { field: path.to_owned(), to: Kept::Set(to.clone()) }),
    }
}

fn objects(from: &Map<String, Value>, to: &Map<String, Value>, path: &str, changes: &mut Vec<Change>) {
    for (key, to) in to {
        let path = format!("{path}/{}", escaped(key));
        match from.get(key) {
            Some(from) => compare(from, to, &path, key, changes),
            None => changes.push(Change { field: path, to: Kept::Set(to.clone()) }),
        }
    }
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        changes.push(Change { field: format!("{path}/{}", escaped(key)), to: Kept::Unset });
    }
}

/// Compares lists of structures; whether they can be compared item by item.
fn lists(from: &[Value], to: &[Value], path: &str, name: &str, changes: &mut Vec<Change>) -> bool {
    if !from.iter().chain(to).all(Value::is_object) {
        return false;
    }
    let mut pairs = Vec::new();
    let mut rest = from.iter().peekable();
    let mut added = Vec::new();
    for (index, to) in to.iter().enumerate() {
        match rest.next_if(|from| *from == to || same(from, to)) {
            Some(from) => pairs.push((index, from, to)),
            None => added.push(Change { field: format!("{path}/{index}"), to: Kept::Add(to.clone()) }),
        }
    }
    if rest.next().is_some() {
        if from.len() != to.len() {
            return false;
        }
        // As many as there were: each is the one of its number.
        added.clear();
        pairs = from.iter().zip(to).enumerate().map(|(index, (from, to))| (index, from, to)).collect();
    }
    changes.extend(added);
    let telling = TELLING.iter().find(|(list, _)| *list == name).map(|(_, key)| *key);
    let mut devices: HashMap<&str, usize> = HashMap::new();
    for value in telling.iter().flat_map(|key| to.iter().filter_map(|item| item.get(*key)?.as_str())) {
        *devices.entry(value).or_default() += 1;
    }
    for (index, item, other) in pairs {
        let told = telling.and_then(|key| Some((key, other.get(key)?.as_str()?)));
        // The other format must have the same value, for no other device.
        let alone =
            |(key, value): &(&str, &str)| item.get(*key) == other.get(*key) && devices.get(value) == Some(&1);
        let step = match told.filter(alone) {
            Some((key, value)) => format!("{key}={}", escaped(value)),
            None => index.to_string(),
        };
        compare(item, other, &format!("{path}/{step}"), "", changes);
    }
    true
}

fn same(from: &Value, to: &Value) -> bool {
    SAME.iter().any(|key| to.get(*key).is_some()) && SAME.iter().all(|key| from.get(*key) == to.get(*key))
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn apply(domain: &mut Value, change: &Change) -> Option<()> {
    let (around, last) = change.field.rsplit_once('/')?;
    let unescaped = |step: &str| step.replace("~1", "/").replace("~0", "~");
    let mut place = domain;
    for step in around.split('/').skip(1) {
        let step = unescaped(step);
        place = match place {
            Value::Object(fields) => fields.entry(step).or_insert_with(|| Value::Object(Map::new())),
            Value::Array(items) => match step.split_once('=') {
                Some((key, value)) => {
                    items.iter_mut().find(|item| item.get(key).and_then(Value::as_str) == Some(value))?
                }
                None => items.get_mut(step.parse::<usize>().ok()?)?,
            },
            _ => return None,
        };
    }
    let last = unescaped(last);
    match (&change.to, place) {
        (Kept::Set(value), Value::Object(fields)) => drop(fields.insert(last, value.clone())),
        (Kept::Unset, Value::Object(fields)) => drop(fields.shift_remove(&last)),
        (Kept::Add(value), Value::Array(items)) => {
            let index = last.parse::<usize>().ok().filter(|index| *index <= items.len())?;
            items.insert(index, value.clone());
        }
        // A list that is not printed is empty.
        (Kept::Add(value), place) if place.as_object().is_some_and(Map::is_empty) => {
            *place = Value::Array(vec![value.clone()]);
        }
        (Kept::Set(value), Value::Array(items)) => {
            *items.get_mut(last.parse::<usize>().ok()?)? = value.clone();
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::arbitrary::any;
    use super::*;

    /// Whatever two domains there are, the changes between them lead from one to the other.
    #[test]
    fn changes_lead_from_any_domain_to_any_other() {
        for seed in 0..300 {
            let (from, to) = (any(seed), any(seed + 1000));
            let clock = GuestClock::default();
            let changes = between((&from, &clock), (&to, &clock));
            let (made, _) = make(&settled(&from, &clock), &clock, &changes).unwrap();
            assert_eq!(made, settled(&to, &clock), "seed {seed}");
        }
    }
}
