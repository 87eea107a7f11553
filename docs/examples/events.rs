//! Follows the clocks of all domains, as the service does, and prints each event as a line of JSON.
//!
//! ```sh
//! cargo run --example events
//! ```

use std::error::Error;
use std::time::Duration;

use xenclock::apply::clock::InProcess;
use xenclock::domain::DomainConfig;
use xenclock::host::Host;
use xenclock::host::mock::Mock;
use xenclock::lifecycle::ClockEvent;
use xenclock::timers::GuestKind;
use xenclock::timers::zone::default_zones;
use xenclock::tracking::requests::XmlRequests;
use xenclock::tracking::store::RecordStore;
use xenclock::tracking::watch::{Tools, Watch, WatchOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let now = "2026-07-01T12:00:00Z".parse()?;
    let host = Mock::in_memory(Box::new(move || now));
    // Another view of the same host: events are heard from now on.
    let seen = host.reopen()?;
    let (records, zones) = (RecordStore::in_memory(), default_zones());
    let mut told = 0;
    let mut tell = |event: ClockEvent| {
        told += 1;
        println!("{}", serde_json::json!(event));
    };
    let (mut tsc, mut requests) = (InProcess(&seen), XmlRequests::in_dirs(Vec::new()));
    let tools = Tools {
        host: &seen,
        records: &records,
        zones: &*zones,
        tsc: &mut tsc,
        requests: &mut requests,
        tell: &mut tell,
    };
    let mut watch = Watch::new(tools, WatchOptions::default().all(true));
    watch.scan()?;

    // A guest of another toolstack starts, sets its RTC, and powers off.
    let mut config = DomainConfig::new(GuestKind::Hvm);
    config.c_info.name = Some("guest".to_owned());
    config.b_info.max_memkb = Some(64 * 1024);
    let domid = host.create_paused(&config)?;
    hear(&seen, &mut watch)?;
    host.unpause(domid)?;
    host.guest_shift_rtc(domid, 90)?;
    // What a guest does to its RTC is no event of the host: it is seen by looking.
    watch.poll()?;
    host.guest_poweroff(domid)?;
    hear(&seen, &mut watch)?;
    host.destroy(domid)?;
    hear(&seen, &mut watch)?;
    drop(watch);
    assert!(told > 0, "nothing was told");
    Ok(())
}

/// Hands the host's events on to the service.
fn hear(host: &Mock, watch: &mut Watch<'_>) -> Result<(), Box<dyn Error>> {
    while let Some(event) = host.next_event(Duration::ZERO)? {
        watch.event(&event)?;
    }
    Ok(watch.go_on()?)
}
