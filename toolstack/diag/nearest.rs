//! Finds the known name that was probably meant by an unknown one.

/// Longer names are no slips of the pen.
const LONGEST: usize = 40;

/// The nearest of the known names; `None` where none is near.
pub(crate) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    if name.chars().count() > LONGEST {
        return None;
    }
    let plain = plain(name);
    // A third of the letters may be wrong, and three at most.
    let allowed = (plain.len() / 3).clamp(1, 3);
    known
        .filter_map(|candidate| {
            let letters = self::plain(candidate);
            Some(((distance(&plain, &letters, allowed)?, plain.len().abs_diff(letters.len())), candidate))
        })
        .filter(|(_, candidate)| !is_opposite(name, candidate))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// What turns a word into its opposite.
const NEGATIONS: [&str; 7] = ["!", "-", "no", "not", "non", "un", "without"];

/// True if one of two words is the other one behind a negation, so that it is not meant by it.
pub(crate) fn is_opposite(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
    negated(&one, &other) || negated(&other, &one)
}

/// True if a word is another one behind a negation, nearly.
fn negated(word: &str, other: &str) -> bool {
    NEGATIONS.iter().filter_map(|no| word.strip_prefix(no).filter(|_| !other.starts_with(no))).any(|rest| {
        let (rest, letters) = (plain(rest), plain(other));
        distance(&rest, &letters, letters.len() / 3)
            .is_some_and(|behind| behind < strsim::osa_distance(word, other))
    })
}

/// Without case and without what parts words.
fn plain(name: &str) -> Vec<char> {
    name.chars().filter(|c| !"-_.".contains(*c)).flat_map(char::to_lowercase).collect()
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour to make one name of the
/// other; `None` for more than `allowed`.
fn distance(one: &[char], other: &[char], allowed: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > allowed {
        return None;
    }
    let text = |letters: &[char]| letters.iter().collect::<String>();
    Some(strsim::osa_distance(&text(one), &text(other))).filter(|&distance| distance <= allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_seen_through() {
        let known =
            ["memory", "memtune", "currentMemory", "maxMemory", "on_reboot", "clock", "cpu", "vcpu", "id"];
        for (written, meant) in [
            ("Memory", Some("memory")),
            ("memroy", Some("memory")),
            ("current-memory", Some("currentMemory")),
            ("onReboot", Some("on_reboot")),
            ("vpcu", Some("vcpu")),
            ("clok", Some("clock")),
            ("ID", Some("id")),
            ("foreign", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known.into_iter()), meant, "{written}");
        }
        // The opposite is not meant.
        for (written, known) in [
            ("-freq", "freq"),
            ("no_freq", "freq"),
            ("!lmce", "lmce"),
            ("nodiscard", "discard"),
            ("discard", "no-discard"),
            ("untrusted", "trusted"),
            ("!frq", "freq"),
        ] {
            assert_eq!(nearest(written, [known].into_iter()), None, "{written}");
        }
        assert_eq!(nearest("nodes", ["modes"].into_iter()), Some("modes"));
        assert_eq!(nearest("nodiscard", ["no-discard", "discard"].into_iter()), Some("no-discard"));
        assert_eq!(nearest(&"memory".repeat(10_000), known.into_iter()), None);
    }
}
