//! Converts one file, to standard output or to a file.

use super::super::args::{Convert, Diagnostics, Global};
use super::super::output::{self, Failure};
use super::super::reading::{Setting, unused_rules};
use super::super::secrets::say_secret;
use super::super::{input, report};
use super::step::{Unconverted, accepted, converted, stale, write_accept};
use super::written;
use xenclock::files::is_same_file;
use xenclock::report::{Estate, FileReport, Uses};

pub(super) fn run(global: &Global, options: &Convert) -> Result<(), Failure> {
    let [file] = &options.files[..] else {
        let message = "several inputs need -o DIR, or --report FILE for just a report";
        return Err(Failure::Usage(message.to_owned()));
    };
    if file.is_dir() {
        let message = format!(
            "{}: Is a directory: give -o DIR to convert its files, or --report FILE for a report alone",
            file.display()
        );
        return Err(Failure::Error(message));
    }
    // That a file takes the place of its own input is what -o says; a report or a list in its place is a mistake.
    let output = options.output.as_deref().filter(|output| !is_same_file(output, file));
    written::check_outputs(options, vec![file], output.into_iter().collect())?;
    let bytes = output::input(file)?;
    let setting = Setting::of(global, &options.reading)?;
    let accepted = accepted(options)?;
    let name = &input::name_of(file);
    let how = options.diagnostics;
    let done = match converted(name, &bytes, options, &setting, accepted.as_ref()) {
        Ok(done) => done,
        Err(Unconverted::Wrong(wrong)) => {
            let reports = [wrong.report(name)];
            written::report(options, &estate_of(&reports[0], &Uses::default()), &reports)?;
            return Err(report::wrong(name, &bytes, &wrong, how));
        }
        Err(Unconverted::Failed(failure)) => return Err(failure),
    };
    let mut said = done.report;
    report::say(&said, &done.findings, how, report::detail(global));
    unused_rules(&setting.mapping, done.uses.mapped());
    stale(accepted.as_ref());
    let lossy = options.strict && said.is_lossy();
    if let Some(file) = options.output.as_deref().filter(|_| !lossy) {
        written::write_whole(file, &done.text, done.secret)
            .map_err(|error| Failure::Error(format!("{}: {error}", file.display())))?;
        said.output = Some(input::name_of(file));
    }
    let reports = [said];
    written::report(options, &estate_of(&reports[0], &done.uses), &reports)?;
    write_accept(options, &reports)?;
    if lossy {
        if how == Diagnostics::Human {
            output::error("something is lost on Xen, so --strict writes nothing");
        }
        return Err(Failure::Reported);
    }
    match &options.output {
        None => output::data(&done.text),
        Some(file) => {
            if done.secret && file.is_file() {
                say_secret(file);
            }
            Ok(())
        }
    }
}

fn estate_of(report: &FileReport, uses: &Uses) -> Estate {
    let mut estate = Estate::default();
    estate.add(report, uses);
    estate
}
