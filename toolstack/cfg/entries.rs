//! Words without quotes in a list: which of them are settings of one entry.

use super::keys;

/// The length of the first entry of a text that goes up to the end of a list of this key, or of its line; `None` where
/// nobody can know.
///
/// A comma without a blank goes on with the entry, as in `mac=00:16:3e:00:00:01,bridge=xenbr0`, unless the entry has
/// such a setting already.
pub fn first(key: &str, text: &str) -> Option<usize> {
    let is_entries = keys::is_list(key);
    let mut names: Vec<&str> = Vec::new();
    let mut end = 0;
    for part in text.split_inclusive(',') {
        let word = part.trim_end_matches(',').trim();
        let name = word.split_once('=').map(|(name, _)| name.trim_end());
        let goes_on = end > 0;
        if goes_on && begins_entry(key, is_entries, word, name, &names) {
            break;
        }
        if goes_on && part.starts_with([' ', '\t']) {
            return None;
        }
        names.extend(name);
        end += part.len();
    }
    Some(text[..end].trim_end_matches([',', ' ', '\t']).len())
}

/// True if a word behind a comma cannot belong to the entry before it, which has settings of these names.
fn begins_entry(key: &str, is_entries: bool, word: &str, name: Option<&str>, names: &[&str]) -> bool {
    let is_path = word.starts_with('/') || word.contains(":/");
    match name {
        _ if !is_entries || word.is_empty() => true,
        // A node is a list of its own settings, and a setting of one may be a list.
        Some(_) if key == "vnuma" => true,
        Some(name) => names.contains(&name),
        None => key == "pci" || (key == "disk" && is_path),
    }
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn settings_of_one_entry_stay_together() {
        for (key, text, expected) in [
            ("vif", "mac=00:16:3e:00:00:01,bridge=xenbr0, ", Some("mac=00:16:3e:00:00:01,bridge=xenbr0")),
            ("vif", "bridge=a,bridge=b", Some("bridge=a")),
            ("vif", "bridge=a, bridge=b", Some("bridge=a")),
            ("vif", "mac=00:16:3e:00:00:01, bridge=b", None),
            ("usbctrl", "type=auto,version=3,ports=4", Some("type=auto,version=3,ports=4")),
            ("disk", "/dev/vg/a,raw,xvda,w ", Some("/dev/vg/a,raw,xvda,w")),
            ("disk", "/dev/vg/a, raw, xvda, w", None),
            ("disk", "/dev/a, /dev/b", Some("/dev/a")),
            ("disk", "/dev/a,/dev/b", Some("/dev/a")),
            ("pci", "03:00.0,04:00.0", Some("03:00.0")),
            ("pci", "03:00.0,permissive=1", Some("03:00.0,permissive=1")),
            ("vnuma", "vcpus=0,1,size=64", Some("vcpus=0,1")),
            ("device_model_args", "-a, -b", Some("-a")),
            ("viridian", "base,freq", Some("base")),
            ("vif", "", Some("")),
        ] {
            assert_eq!(first(key, text), expected.map(str::len), "{key} = [ {text} ]");
        }
    }
}
