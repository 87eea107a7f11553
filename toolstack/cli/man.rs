//! The man pages: generated from the command line's own words, with hand-written sections.

use clap::CommandFactory;

use super::args::Arguments;

/// What no option says.
const TAIL: &str = r#".SH EXIT STATUS
0 done; 1 failed; 2 wrong usage; of
.B preflight
also 3, a guest notices the move, and 4, its clock goes wrong; of
.B check
0 nothing is wrong, 1 something differs or is ignored, 2 a guest does not start or a file is wrong. A reader of standard output that goes away is no failure.
.SH HOSTS
In a dom0 the host is libxl. Elsewhere it is a mock: a model of what Xen does to a guest's clock, in memory. With
.B \-\-backend mock:FILE
it is kept in FILE, so that commands follow each other. FILE may hold just facts of the machine to play:
.PP
.nf
{"host": {"now": "2026-07-01T12:00:00Z", "timezone": "Europe/Berlin",
          "cpu_khz": 2600000, "tsc_reliable": true, "tsc_scaling": false}}
.fi
.SH COMMANDS OF XL
What is no command here goes to the installed
.BR xl (1)
as it is, with all its words, as in
.BR "xenclock vcpu\-list" .
So do list, destroy, pause, unpause and shutdown where they come with options that only xl has. What makes, saves,
restores or moves a guest never goes there, since xl would do it without the guest's clock: an option of those that is
not known here is wrong usage. Nothing goes to xl with a mock host.
.SH MESSAGES
Data goes to standard output, words to standard error. A message about an input starts FILE:LINE:COLUMN: and names its
verdict: approximated (Xen gets the nearest thing), unsupported (Xen has nothing for it) or invalid (the input is wrong).
.B create
refuses, before anything exists, whatever would give the guest another TSC or another RTC than asked for.
.SH CLOCKS
A clock is resolved once, when the domain starts, to seconds from UTC: no later DST change, restore or migration moves
it. What a guest with a variable clock writes to its RTC is kept over its reboots. An HVM guest's offset is set from
outside and does not stand in libxl's config, so that stock xl keeps it too over a restore or a migration.
.SH SECURITY
.B migrate
and
.B preflight
hand the host and the words of
.B \-s
to a shell as they are, as
.BR xl (1)
does: never put in them what somebody else wrote. Who may run
.B migrate\-receive
on a host can start any guest there. A file given to
.B create
or
.B restore
names the disks, kernels and programs that its guest gets; read it first if you did not write it. The records'
directory belongs to root alone, and is refused otherwise. The threat model, with all that is not defended, is in
/usr/share/doc/xenclock/security.md.
.SH MAPPING RULES
A rule of
.B \-\-map
or of a
.B \-\-map\-file
is KIND:FROM=TO, where * in FROM stands for any characters. The kinds are network, interface and bridge, which become a bridge of
dom0; pool, volume (POOL/NAME) and path, which become a path; and mac: mac:keep, mac:new or mac:ADDRESS=ADDRESS. A rule that
nothing uses is reported.
.SH ACCEPTED LOSSES
A line of a file for
.B \-\-accept
is CODE NODE = REASON; below a line [FILE] it is for files of that name only. * stands for any characters in FILE and NODE.
.B \-\-write\-accept
writes a first version.
.SH EXAMPLES
.TP
.B xenclock check /etc/xen/*.cfg
Say what is wrong in these files, or ignored by xl.
.TP
.B xenclock convert \-o xen \-\-map network:default=xenbr0 \-\-report report.html xml
Convert all domain XML of a directory, and write a report on it.
.TP
.B xenclock \-N create guest.xml
What starting the guest would do, and why.
.TP
.B xenclock create guest.xml clock_timezone=Europe/Berlin
Start it with Berlin's time, whatever its XML says.
.TP
.B xenclock create guest.cfg
Start a guest from its xl.cfg: the
.B clock_
keys say the clock, where there are any, and else plain keys, as xl means them. No xl need be installed.
.TP
.B xenclock convert \-\-strict guest.xml \-o guest.cfg
An xl.cfg, but only if it means the same.
.TP
.B xenclock clock\-show guest
What its RTC shows and how its TSC works, with the reasons.
.TP
.B xenclock preflight guest otherhost
What a migration would do to its clock.
.SH SEE ALSO
.BR xenclock\-watch (8),
.BR xl (1),
.BR xl.cfg (5),
.BR xen\-tscmode (7)
"#;

/// The man page xenclock(1), in roff.
///
/// # Errors
/// None but what writing to memory can cause.
pub(super) fn man_page() -> std::io::Result<String> {
    let mut page = Vec::new();
    let command = Arguments::command();
    let man = clap_mangen::Man::new(command.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    page.extend_from_slice(b".SH COMMANDS\n");
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        command_section(sub, "", &mut page)?;
    }
    page.extend_from_slice(TAIL.as_bytes());
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// The service's page: its description, and what stands behind its options.
const WATCH: &str = include_str!("../service/xenclock-watch.man");

/// The man page xenclock-watch(8), in roff.
///
/// # Errors
/// None but what writing to memory can cause.
pub(super) fn watch_man_page() -> std::io::Result<String> {
    let command = Arguments::command();
    let watch = command.find_subcommand("clock-watch").cloned().unwrap_or_default();
    let watch = watch
        .name("xenclock-watch")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_flag(true)
        .disable_version_flag(true);
    let man = clap_mangen::Man::new(watch.clone()).section("8");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    clap_mangen::Man::new(watch.bin_name("xenclock clock-watch")).render_synopsis_section(&mut page)?;
    let (description, rest) = WATCH.split_once(".\\\" OPTIONS\n").unwrap_or((WATCH, ""));
    page.extend_from_slice(description.as_bytes());
    man.render_options_section(&mut page)?;
    page.extend_from_slice(rest.as_bytes());
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// A subcommand with its usage, its words and its options.
fn command_section(command: &clap::Command, before: &str, page: &mut Vec<u8>) -> std::io::Result<()> {
    let name = format!("{before}{}", command.get_name());
    if command.has_subcommands() {
        for sub in command.get_subcommands() {
            command_section(sub, &format!("{name} "), page)?;
        }
        return Ok(());
    }
    let shown = command.clone().bin_name(format!("xenclock {name}"));
    let mut body = Vec::new();
    let man = clap_mangen::Man::new(shown.disable_help_flag(true));
    man.render_synopsis_section(&mut body)?;
    body.extend_from_slice(b".PP\n");
    man.render_description_section(&mut body)?;
    man.render_options_section(&mut body)?;
    let body = String::from_utf8_lossy(&body);
    page.extend_from_slice(format!(".SS {name}\n").as_bytes());
    for line in body
        .lines()
        .filter(|line| !line.starts_with(".SH") && !line.starts_with(".ie") && !line.starts_with(".el"))
    {
        page.extend_from_slice(line.as_bytes());
        page.push(b'\n');
    }
    Ok(())
}
