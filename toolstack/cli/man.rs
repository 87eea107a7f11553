//! The man pages: generated from the command line's help, with hand-written sections.

use clap::CommandFactory;

use super::args::Arguments;

/// The sections that no option describes.
const TAIL: &str = r#".SH EXIT STATUS
0 success; 1 failure; 2 wrong usage.
.B preflight
also returns 3 if a guest notices the move, and 4 if its clock goes wrong or the move is not supported.
.B check
returns 0 if nothing is wrong, 1 if a setting differs or is ignored, and 2 if a guest does not start or a file is wrong. A
closed standard output is not a failure.
.SH HOSTS
In a dom0 the host is libxl. Elsewhere it is a mock host in memory, which models Xen's effect on a guest's clock.
.B \-\-backend mock:FILE
keeps its state in FILE, for the next command. A new FILE may contain just the facts of the host to model:
.PP
.nf
{"host": {"now": "2026-07-01T12:00:00Z", "timezone": "Europe/Berlin",
          "cpu_khz": 2600000, "tsc_reliable": true, "tsc_scaling": false}}
.fi
.SH COMMANDS OF XL
Any other command is passed to the installed
.BR xl (1)
unchanged, as in
.BR "xenclock vcpu\-list" .
So are destroy, pause, unpause and shutdown with options that only xl has. Commands that create, save, restore or
migrate a guest are never passed on, because xl would drop the guest's clock; their unknown options are errors. With a
mock host nothing is passed to xl.
.SH MESSAGES
Data goes to standard output, messages to standard error. A message about an input starts with FILE:LINE:COLUMN: and
the verdict: approximated (Xen provides the nearest equivalent), unsupported (Xen provides nothing) or invalid (the input
is wrong).
.B create
refuses every input that would give the guest a TSC or RTC other than the requested one, before it creates anything.
.SH CLOCKS
A clock is resolved once, when the domain starts, to seconds from UTC: no later DST change, restore or migration moves
it. Changes that a guest with a variable clock makes to its RTC survive reboots. The offset of an HVM guest is set after
its domain is created and is not in libxl's config, so that stock xl preserves it across a restore or a migration too.
.SH SECURITY
.B migrate
and
.B preflight
pass the host and the value of
.B \-s
to a shell unchanged, as
.BR xl (1)
does: never use untrusted text for them. Anyone who may run
.B migrate\-receive
on a host can start any guest there. A file given to
.B create
or
.B restore
names the disks, kernels and programs of its guest: read a file from another person before you use it. The directory of
clock records must belong to root alone, and is refused otherwise. The threat model, with its limits, is in
/usr/share/doc/xenclock/security.md.
.SH MAPPING RULES
A rule of
.B \-\-map
or of a
.B \-\-map\-file
is KIND:FROM=TO, where * in FROM matches any characters. The kinds are network, interface and bridge, which become a bridge of
dom0; pool, volume (POOL/NAME) and path, which become a path; and mac: mac:keep, mac:new or mac:ADDRESS=ADDRESS. An unused
rule is reported.
.SH ACCEPTED LOSSES
A line of a file for
.B \-\-accept
is CODE NODE = REASON; below a line [FILE] it applies only to files of that name. * matches any characters in FILE and NODE.
.B \-\-write\-accept
writes a first version.
.SH EXAMPLES
.TP
.B xenclock check /etc/xen/*.cfg
Report the errors in these files, and the settings that xl ignores.
.TP
.B xenclock convert \-o xen \-\-map network:default=xenbr0 \-\-report report.html xml
Convert all domain XML in a directory, and write a report on it.
.TP
.B xenclock plan guest.xml
Print the steps of a start and the reason for each.
.TP
.B xenclock create guest.xml clock_timezone=Europe/Berlin
Start the guest with Berlin's time, whatever its XML requests.
.TP
.B xenclock create guest.cfg
Start a guest from its xl.cfg. The
.B clock_
keys define the clock, if there are any; otherwise xl's own keys do, with xl's meaning. xl need not be installed.
.TP
.B xenclock convert \-\-strict guest.xml \-o guest.cfg
Write an xl.cfg, but only if nothing is lost.
.TP
.B xenclock clock\-show guest
Show the RTC and the TSC of a guest, and the reasons.
.TP
.B xenclock preflight guest otherhost
Report the effect of a migration on its clock.
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
