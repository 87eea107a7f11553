//! `viridian`: the groups of Hyper-V enlightenments that a guest sees.

use timers::hyperv::Viridian;

use super::book::Words;
use super::{Reader, entry, nearest};
use crate::cfg::suggest;
use crate::diag::Finding;
use crate::domain::config::Bitmap;
use crate::domain::libvirt::{HYPERV, value_of};
use crate::domain::release;

/// What people write before a group that is left out.
const OUT: [&str; 8] = ["!", "-", "~", "^", "no_", "no-", "no ", "no"];

/// The groups of `viridian` that a text names, in quotes.
pub(super) fn groups_of(text: &str) -> Option<String> {
    let is_group = |word: &&str| {
        let name = word.trim_start_matches('!');
        Viridian::from_word(name).is_some() || ["all", "defaults"].contains(&name)
    };
    let words = text.split([',', ' ', ';']).filter(|word| !word.is_empty());
    let words: Vec<_> = words.map(|word| if word == "default" { "defaults" } else { word }).collect();
    let quoted: Vec<_> = words.iter().map(|word| suggest::quoted(word)).collect();
    (!words.is_empty() && words.iter().all(is_group)).then(|| quoted.join(", "))
}

/// The remedy for a word that is no group: the group that is meant, left out if the word leaves it out.
fn meant(word: &str, known: &[&str]) -> Option<String> {
    if let Some(groups) = groups_of(word).filter(|_| word.contains([',', ';', ' '])) {
        return Some(format!("write {groups}"));
    }
    let lower = word.trim().to_ascii_lowercase();
    let is_set = |name: &str| ["all", "defaults", "default"].contains(&name);
    let written = |no: &str, name: &str| {
        let exact = known.iter().copied().find(|group| *group == name);
        let groups: Vec<_> = match (exact, value_of(HYPERV, name)) {
            (Some(group), _) => vec![group],
            (_, Some(groups)) => groups.iter().map(|group| group.as_str()).collect(),
            (None, None) => vec![nearest(name, known.iter().copied())?],
        };
        // One that a word of libvirt's needs, base, is not left out with it.
        let groups = groups.into_iter().filter(|group| no.is_empty() || *group != "base");
        let quoted: Vec<_> = groups.map(|group| suggest::quoted(&format!("{no}{group}"))).collect();
        (!quoted.is_empty()).then(|| format!("write {}", quoted.join(", ")))
    };
    if let Some(name) = lower.strip_prefix('+') {
        return written("", name);
    }
    let out = OUT.iter().find_map(|no| lower.strip_prefix(no)).filter(|_| !known.contains(&lower.as_str()));
    match out {
        Some(name) if is_set(name) => {
            Some("remove it, and give viridian 0 for no group, or name each group that is left out, as in \"!freq\"".to_owned())
        }
        Some(name) => written("!", name).or_else(|| written("", &lower)),
        None => written("", &lower),
    }
}

impl Reader<'_> {
    /// A group of the list: `freq`, or `!freq` to leave it out.
    pub(super) fn viridian(
        &mut self,
        enable: &mut Bitmap,
        disable: &mut Bitmap,
        words: Words<'_>,
        node: usize,
    ) {
        let (out, name) = match words.text.strip_prefix('!') {
            Some(name) => (true, name),
            None => (false, words.text),
        };
        let host = self.host;
        let Some(group) = Viridian::from_word(name).filter(|_| host.knows_word("viridian", name)) else {
            let mut known: Vec<_> = Viridian::ALL.iter().map(|group| group.as_str()).collect();
            known.retain(|word| host.knows_word("viridian", word));
            known.extend(["all", "defaults"]);
            let finding = super::bad_word("a group of viridian", words.text, &known);
            let finding = match meant(words.text, &known) {
                Some(meant) => finding.instead(meant),
                None => finding,
            };
            return match self.newer(release::word("viridian", name)) {
                None => self.book.error(node, finding),
                Some(known) => {
                    let reason = self.only_known(name, known, entry::REFUSES);
                    let finding = Finding::invalid("other-release", reason);
                    self.book.error(node, finding.instead("remove it"));
                }
            };
        };
        let (set, other) = if out { (disable, enable) } else { (enable, disable) };
        let number = group.number();
        if !set.contains(&number) {
            set.push(number);
            set.sort_unstable();
        }
        other.retain(|known| *known != number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_is_left_out_stays_out() {
        let known: Vec<_> =
            Viridian::ALL.iter().map(|group| group.as_str()).chain(["all", "defaults"]).collect();
        for (word, expected) in [
            ("-freq", "write \"!freq\""),
            ("no_freq", "write \"!freq\""),
            ("!frq", "write \"!freq\""),
            ("no-synic", "write \"!synic\""),
            ("+stimer", "write \"stimer\""),
            ("novplimit", "write \"no_vp_limit\""),
            ("synicc", "write \"synic\""),
            ("base,!freq", "write \"base\", \"!freq\""),
            ("vapic", "write \"base\", \"apic_assist\""),
            ("-vapic", "write \"!apic_assist\""),
        ] {
            assert_eq!(meant(word, &known).as_deref(), Some(expected), "{word}");
        }
        assert!(meant("!all", &known).is_some_and(|text| text.starts_with("remove it")));
        assert_eq!(meant("!sundial", &known), None);
    }
}
