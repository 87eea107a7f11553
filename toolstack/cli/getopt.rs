//! Orders arguments as xl does: C's `getopt_long`, which stops at the first argument that is not an option.
//!
//! xl sets this mode for its global options, and it then also applies to the options of the command, so that `xl
//! shutdown GUEST -w` does not wait. Scripts written for xl get the same behaviour here: the arguments are reordered so
//! that [`clap`] interprets each as xl does.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory, Error};

use super::args::Arguments;
use xenclock::xl::commands;

/// The commands whose words are read so.
const XLS: [&str; 12] = [
    "create",
    "destroy",
    "domid",
    "domname",
    "list",
    "migrate",
    "migrate-receive",
    "pause",
    "restore",
    "save",
    "shutdown",
    "unpause",
];

/// Words in the order in which clap takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arranged {
    pub words: Vec<OsString>,
    /// The command, where its options were read as xl's and are all right.
    pub of_xl: Option<&'static str>,
}

/// Words that clap takes as xl takes these. Where they are wrong to xl, they stay as they are: clap says why.
///
/// `cli` is [`Arguments`]' command, of which there is one: making it and building it take a while.
pub(super) fn arrange(cli: &mut Command, words: &[OsString]) -> Arranged {
    let as_they_are = || Arranged { words: words.to_vec(), of_xl: None };
    let Some((command, mut rest)) = command_at(cli, words) else { return as_they_are() };
    let Some(word) = words[command].to_str() else { return as_they_are() };
    let is_ours = cli.get_subcommands().any(|ours| ours.get_name() == word);
    let name = if is_ours { word } else { commands::named(word).unwrap_or(word) };
    let mut arranged = words[..command].to_vec();
    arranged.push(name.into());
    let of_xl = XLS.into_iter().find(|command| *command == name);
    if of_xl.is_some() {
        // Gives the commands the options that they share.
        cli.build();
    }
    let (Some(ours), true) = (cli.find_subcommand(name), of_xl.is_some()) else {
        let any = rest.iter().any(|word| is_global(word, |_| false));
        let (global, rest) = match cli.find_subcommand(name).filter(|_| any) {
            Some(ours) => {
                let mut ours = ours.clone();
                ours.build();
                globals(&ours, rest)
            }
            None => (Vec::new(), rest.to_vec()),
        };
        arranged.splice(command..command, global);
        arranged.extend(rest);
        return Arranged { words: arranged, of_xl: None };
    };
    // xl create looks at its first word before it looks for options.
    let file = rest.first().filter(|word| name == "create" && is_file(word));
    if let Some(file) = file {
        arranged.extend(["-f".into(), file.clone()]);
        rest = &rest[1..];
    }
    match options(ours, rest) {
        Some((options, operands)) => {
            arranged.extend(options);
            arranged.push("--".into());
            arranged.extend_from_slice(operands);
            Arranged { words: arranged, of_xl }
        }
        None => {
            arranged.extend_from_slice(rest);
            Arranged { words: arranged, of_xl: None }
        }
    }
}

/// The letters of the options that commands which xl does not have take behind their name, too.
const GLOBALS: &[u8] = b"vN";

/// True if a word has global options, none of which is the command's `own`.
fn is_global(word: &OsStr, own: impl Fn(&u8) -> bool) -> bool {
    match word.as_bytes() {
        b"--dry-run" => true,
        [b'-', letters @ ..] if !letters.is_empty() => {
            letters.iter().all(|letter| GLOBALS.contains(letter) && !own(letter))
        }
        _ => false,
    }
}

/// The words of such a command that are global options, which clap takes before the command only, and the others.
fn globals(ours: &Command, words: &[OsString]) -> (Vec<OsString>, Vec<OsString>) {
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let own =
        |letter: &u8| ours.get_arguments().any(|argument| argument.get_short() == Some(char::from(*letter)));
    let takes_next = |word: &OsString| {
        ours.get_arguments().filter(|argument| argument.get_action().takes_values()).any(|argument| {
            let long = argument.get_long().is_some_and(|long| *word == *format!("--{long}"));
            long || argument.get_short().is_some_and(|short| *word == *format!("-{short}"))
        })
    };
    let (mut global, mut others) = (Vec::new(), Vec::new());
    for (index, word) in words.iter().enumerate() {
        let is_value = index > 0 && takes_next(&words[index - 1]);
        let to = if is_global(word, own) && !is_value && index < end { &mut global } else { &mut others };
        to.push(word.clone());
    }
    (global, others)
}

/// The global option that stands behind a command of xl's, where xl has none of that letter.
pub(super) fn misplaced(error: &Error) -> Option<String> {
    let word = match (error.kind(), error.get(ContextKind::InvalidArg)?) {
        (ErrorKind::UnknownArgument, ContextValue::String(word)) => word,
        _ => return None,
    };
    let cli = Arguments::command();
    let is_global = cli.get_arguments().any(|argument| {
        let long = argument.get_long().is_some_and(|long| *word == format!("--{long}"));
        long || argument.get_short().is_some_and(|short| *word == format!("-{short}"))
    });
    is_global.then(|| word.clone())
}

/// The exit status of xl where it is the operands that are wrong: too few of them, or too many.
pub(super) fn wrong_operands(error: &Error) -> Option<u8> {
    match error.kind() {
        ErrorKind::MissingRequiredArgument => Some(2),
        ErrorKind::UnknownArgument | ErrorKind::TooManyValues => Some(1),
        _ => None,
    }
}

/// The error, without the usage.
pub(super) fn first_line(error: &Error) -> String {
    let text = error.to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// A command's help.
pub(super) fn help(command: &str) -> String {
    let mut cli = Arguments::command();
    cli.build();
    cli.find_subcommand_mut(command).map(|command| command.render_help().to_string()).unwrap_or_default()
}

/// Returns true if the first word of xl create is its file.
fn is_file(word: &OsStr) -> bool {
    !word.as_bytes().starts_with(b"-") && !word.as_bytes().contains(&b'=')
}

/// The place of the command, and the words behind it.
fn command_at<'a>(cli: &Command, words: &'a [OsString]) -> Option<(usize, &'a [OsString])> {
    let (_, rest) = options(cli, words)?;
    let command = words.len() - rest.len();
    rest.split_first().map(|(_, behind)| (command, behind))
}

/// Options in full, each value as a word of its own, and the words behind them; `None` where getopt finds a fault.
fn options<'a>(command: &Command, words: &'a [OsString]) -> Option<(Vec<OsString>, &'a [OsString])> {
    let mut found = Vec::new();
    let mut rest = words;
    while let [word, after @ ..] = rest {
        let bytes = word.as_bytes();
        if bytes == b"--" {
            return Some((found, after));
        }
        if let Some(long) = bytes.strip_prefix(b"--") {
            rest = long_option(command, long, after, &mut found)?;
        } else if bytes.len() > 1 && bytes[0] == b'-' {
            rest = letters(command, &bytes[1..], after, &mut found)?;
        } else {
            break;
        }
    }
    Some((found, rest))
}

/// An option with two dashes; the beginning of its name will do where no other begins so.
fn long_option<'a>(
    command: &Command,
    word: &[u8],
    after: &'a [OsString],
    found: &mut Vec<OsString>,
) -> Option<&'a [OsString]> {
    let (name, value) = match word.iter().position(|byte| *byte == b'=') {
        Some(at) => (&word[..at], Some(OsString::from_vec(word[at + 1..].to_vec()))),
        None => (word, None),
    };
    let known = || {
        let arguments = command.get_arguments();
        arguments.filter_map(|argument| Some((argument.get_long()?, argument.get_action().takes_values())))
    };
    let exact = known().find(|(long, _)| long.as_bytes() == name);
    let (long, takes) = match exact {
        Some(exact) => exact,
        None => {
            let mut meant = known().filter(|(long, _)| long.as_bytes().starts_with(name));
            let first = meant.next()?;
            if meant.next().is_some() {
                return None;
            }
            first
        }
    };
    found.push(format!("--{long}").into());
    if long == "help" {
        // It is given at once, whatever follows.
        return Some(&[]);
    }
    match (takes, value) {
        (false, None) => Some(after),
        (false, Some(_)) => None,
        (true, Some(value)) => {
            found.push(value);
            Some(after)
        }
        (true, None) => {
            let (value, after) = after.split_first()?;
            found.push(value.clone());
            Some(after)
        }
    }
}

/// Letters behind one dash. One that takes a value takes the rest of the word, or else the next.
fn letters<'a>(
    command: &Command,
    letters: &[u8],
    after: &'a [OsString],
    found: &mut Vec<OsString>,
) -> Option<&'a [OsString]> {
    for (at, letter) in letters.iter().enumerate() {
        let letter = char::from(*letter);
        let argument = command.get_arguments().find(|argument| argument.get_short() == Some(letter))?;
        found.push(format!("-{letter}").into());
        if letter == 'h' {
            return Some(&[]);
        }
        if argument.get_action().takes_values() {
            let rest = &letters[at + 1..];
            if !rest.is_empty() {
                found.push(OsString::from_vec(rest.to_vec()));
                return Some(after);
            }
            let (value, after) = after.split_first()?;
            found.push(value.clone());
            return Some(after);
        }
    }
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arranged(line: &str) -> String {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let words: Vec<_> = arrange(&mut Arguments::command(), &words)
            .words
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        words.join(" ")
    }

    #[test]
    fn words_are_put_into_one_order() {
        for (line, expected) in [
            ("list", "list --"),
            ("li -vl guest", "list -v -l -- guest"),
            ("list guest -v", "list -- guest -v"),
            ("list --lon -- -x", "list --long -- -x"),
            ("list -v --he -x", "list -v --help --"),
            ("destroy -fhx guest", "destroy -f -h --"),
            ("-vN --backend mock list", "-vN --backend mock list --"),
            ("create a.cfg", "create -f a.cfg --"),
            ("cre a.cfg -pq x=1", "create -f a.cfg -p -q -- x=1"),
            ("create a.cfg x=1 -p", "create -f a.cfg -- x=1 -p"),
            ("create -f a.cfg -fb.cfg", "create -f a.cfg -f b.cfg --"),
            ("create --def=a.cfg", "create --defconfig a.cfg --"),
            ("create --def -x", "create --defconfig -x --"),
            ("create x=1 a.cfg", "create -- x=1 a.cfg"),
            ("create --vncviewer-a a.cfg", "create --vncviewer-autopass -- a.cfg"),
            ("migrate -s  -epC x guest host", "migrate -s  -e -p -C x -- guest host"),
            ("shutdown guest -w", "shutdown -- guest -w"),
            ("vcpu-l x -y", "vcpu-list x -y"),
            ("clock-show guest --json", "clock-show guest --json"),
            // A wrong option stays.
            ("list -x guest -v", "list -x guest -v"),
            ("list --v=1", "list --v=1"),
            ("create --vnc a.cfg", "create --vnc a.cfg"),
            ("create -f", "create -f"),
            ("mig guest host", "mig guest host"),
            ("-x list", "-x list"),
        ] {
            assert_eq!(arranged(line), expected, "{line}");
        }
    }
}
