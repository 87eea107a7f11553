//! Converts a domain XML to an xl.cfg, with every diagnostic as data.
//!
//! ```sh
//! cargo run --example diagnostics docs/examples/windows.xml
//! ```

use std::error::Error;
use std::time::SystemTime;

use xenclock::convert::{Format, convert};
use xenclock::diag::Verdict;
use xenclock::timers::Moment;
use xenclock::timers::zone::{Zone, default_zones};
use xenclock::xml;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "docs/examples/windows.xml".to_owned());
    let mut input = xml::read(&file, &std::fs::read(&file)?)?;
    // Only a time can tell what stock xl is to be given for a clock that it has no key for.
    let (zone, zones) = (Zone::utc(), default_zones());
    let cfg = convert(
        &mut input,
        Format::Xl,
        &Moment { now: SystemTime::now().into(), host_zone: &zone, zones: &*zones },
    )?;
    for diagnostic in input.report.losses() {
        let (place, finding) = (&diagnostic.place, &diagnostic.finding);
        println!(
            "# {}:{} {} {} {}",
            place.line, place.column, diagnostic.node, finding.verdict, finding.code
        );
        println!("#   {}", finding.reason);
        if let Some(instead) = &finding.alternative {
            println!("#   instead: {instead}");
        }
    }
    println!("# {} nodes mean the same on Xen", input.report.count(Verdict::Exact));
    print!("{cfg}");
    Ok(())
}
