//! The comments that xenclock writes into an xl.cfg itself, so that they are not taken for those of the file when it is read.

use crate::diag::Verdict;

/// The title of the clock's settings.
pub(super) const CLOCK: &str = "The clock";

/// The title of the `clock_` keys.
pub(super) const CLOCK_KEYS: &str = "For xenclock, which sets the whole clock; stock xl ignores these:";

/// The title of the losses.
pub(super) const LOSSES: &str = "Not converted exactly:";

/// How the line of a remedy begins.
pub(super) const INSTEAD: &str = "instead: ";

/// How the line of a loss begins.
pub(super) fn loss(place: &str, verdict: Verdict) -> String {
    format!("{place}, {verdict}: ")
}

/// A comment without the lines that xenclock wrote; `None` if nothing is left.
pub(crate) fn of_others(comment: &str) -> Option<String> {
    let is_loss = |line: &str| {
        let verdicts = [Verdict::Approximated, Verdict::Unsupported, Verdict::Invalid];
        line.starts_with(INSTEAD) || verdicts.iter().any(|verdict| line.contains(&loss("", *verdict)))
    };
    let mut in_losses = false;
    let lines: Vec<_> = comment
        .lines()
        .filter(|line| {
            let line = line.trim();
            in_losses = line == LOSSES || in_losses && is_loss(line);
            !in_losses && line != CLOCK && line != CLOCK_KEYS
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_comments_of_others_are_left() {
        for (comment, left) in [
            ("mine", Some("mine")),
            ("The clock", None),
            ("The clock\nis set by hand", Some("is set by hand")),
            ("The clock of this guest", Some("The clock of this guest")),
            ("Not converted exactly:\nline 8, unsupported: no\ninstead: write x", None),
            (
                "mine\nNot converted exactly:\n  line 8, approximated: no\n    instead: x\nmine, too",
                Some("mine\nmine, too"),
            ),
            ("instead: of this, that", Some("instead: of this, that")),
        ] {
            assert_eq!(of_others(comment).as_deref(), left, "{comment}");
        }
    }
}
