//! The events of a host.

use std::time::{Duration, Instant};

use timers::GuestKind;
use uuid::uuid;
use xenclock::host::{Event, ShutdownReason};

use super::{Make, Played, again, any, cases, event, hvm, running};

cases![nothing_happened, a_life, a_life_cut_short, a_restore, two_who_listen, from_now_on];

fn nothing_happened(make: Make<'_>) -> Played {
    let stage = any(make)?;
    assert_eq!(stage.host().next_event(Duration::ZERO).unwrap(), None);
    let start = Instant::now();
    assert_eq!(stage.host().next_event(Duration::from_millis(30)).unwrap(), None);
    assert!(start.elapsed() >= Duration::from_millis(30));
    Ok(())
}

fn a_life(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = running(&*stage, "guest")?;
    let uuid = host.stored_config(domid).unwrap().c_info.uuid.unwrap();
    assert_eq!(event(host), Event::Introduced { domid, uuid });
    stage.guest_ends(domid, ShutdownReason::Reboot)?;
    assert_eq!(event(host), Event::Shutdown { domid, uuid, reason: ShutdownReason::Reboot });
    assert_eq!(host.next_event(Duration::ZERO).unwrap(), None);
    host.destroy(domid).unwrap();
    assert_eq!(event(host), Event::Destroyed { domid, uuid });
    assert_eq!(host.next_event(Duration::ZERO).unwrap(), None);
    Ok(())
}

fn a_life_cut_short(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = hvm(&*stage, "guest")?;
    let uuid = host.stored_config(domid).unwrap().c_info.uuid.unwrap();
    host.destroy(domid).unwrap();
    assert_eq!(event(host), Event::Introduced { domid, uuid });
    assert_eq!(event(host), Event::Destroyed { domid, uuid });
    Ok(())
}

fn a_restore(make: Make<'_>) -> Played {
    let stage = any(make)?;
    stage.saves()?;
    let host = stage.host();
    let mut config = stage.config(GuestKind::Hvm, "guest")?;
    let uuid = uuid!("6ba7b810-9dad-41d1-80b4-00c04fd430c8");
    config.c_info.uuid = Some(uuid);
    let domid = host.create_paused(&config).unwrap();
    host.unpause(domid).unwrap();
    let restored = again(&*stage, domid, &config);
    assert_eq!(event(host), Event::Introduced { domid, uuid });
    assert_eq!(event(host), Event::Shutdown { domid, uuid, reason: ShutdownReason::Suspend });
    assert_eq!(event(host), Event::Destroyed { domid, uuid });
    assert_eq!(event(host), Event::Introduced { domid: restored, uuid });
    Ok(())
}

fn two_who_listen(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let second = stage.second()?;
    let domid = hvm(&*stage, "guest")?;
    let one = event(stage.host());
    assert_eq!(one, event(&*second));
    assert!(matches!(one, Event::Introduced { domid: told, .. } if told == domid));
    Ok(())
}

fn from_now_on(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let domid = hvm(&*stage, "guest")?;
    let second = stage.second()?;
    assert_eq!(second.next_event(Duration::ZERO).unwrap(), None);
    second.destroy(domid).unwrap();
    assert!(matches!(event(&*second), Event::Destroyed { domid: told, .. } if told == domid));
    Ok(())
}
