//! New domains, the host's facts, and the reasons why a domain is not created.

use timers::GuestKind;
use uuid::uuid;
use xenclock::domain::Defbool;
use xenclock::host::{DomId, ErrorKind, RunState, SaveKind, TscInfo};

use super::{KINDS, Make, Played, Scenario, any, at, cases, hvm, refused, state, stream};

cases![
    facts_make_sense,
    facts_are_those_asked_for,
    a_boot_has_one_name,
    dom0_is_first_and_not_to_be_touched,
    a_new_domain_is_paused_and_in_the_list,
    numbers_rise_and_are_not_used_again,
    a_name_that_is_taken,
    a_uuid_that_is_taken,
    names_and_uuids_are_free_after_a_destroy,
    a_uuid_is_made_where_none_is_given,
    too_little_memory_leaves_nothing_behind,
    the_config_is_kept,
];

fn facts_make_sense(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let facts = stage.host().facts().unwrap();
    assert!(facts.cpu_khz.0 > 0);
    assert!((facts.xen_version.major, facts.xen_version.minor) >= (4, 14));
    assert!(!facts.zone.name().is_empty());
    facts.zone.offset_at(facts.now).unwrap();
    assert_eq!(facts.tsc().khz, facts.cpu_khz);
    Ok(())
}

fn facts_are_those_asked_for(make: Make<'_>) -> Played {
    let stage = make(&Scenario {
        now: Some("2026-01-15T10:00:00Z"),
        timezone: Some("Asia/Kathmandu"),
        tsc_reliable: Some(false),
        tsc_scaling: Some(None),
        memory_mb: None,
    })?;
    let facts = stage.host().facts().unwrap();
    assert_eq!(facts.now.to_rfc3339(), "2026-01-15T10:00:00+00:00");
    assert_eq!(facts.zone.name(), "Asia/Kathmandu");
    assert_eq!(facts.zone.offset_at(facts.now).unwrap().seconds(), 20_700);
    assert_eq!((facts.tsc_reliable, facts.tsc_scaling), (false, None));
    stage.pass(90)?;
    assert_eq!(stage.host().facts().unwrap().now.to_rfc3339(), "2026-01-15T10:01:30+00:00");
    Ok(())
}

fn a_boot_has_one_name(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let id = stage.host().facts().unwrap().boot_id;
    assert!(!id.is_empty() && id == id.trim(), "{id:?}");
    hvm(&*stage, "guest")?;
    stage.pass(1)?;
    assert_eq!(stage.host().facts().unwrap().boot_id, id);
    assert_eq!(stage.second()?.facts().unwrap().boot_id, id);
    Ok(())
}

fn dom0_is_first_and_not_to_be_touched(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domains = host.domains().unwrap();
    let Some(dom0) = domains.iter().find(|domain| domain.domid == DomId(0)) else { return Ok(()) };
    assert_eq!((dom0, dom0.name.as_str(), dom0.state), (&domains[0], "Domain-0", RunState::Running));
    let info = TscInfo { mode: 1, elapsed_ns: 0, khz: 0, incarnation: 0 };
    assert_eq!(refused(host.tsc_info(DomId(0))), ErrorKind::Invalid);
    assert_eq!(refused(host.set_tsc_info(DomId(0), &info)), ErrorKind::Invalid);
    assert_eq!(refused(host.set_initial_tsc(DomId(0), &info)), ErrorKind::Invalid);
    assert_eq!(refused(host.set_time_offset(DomId(0), 60.into())), ErrorKind::Invalid);
    assert_eq!(refused(host.rtc_record(DomId(0))), ErrorKind::Invalid);
    refused(host.destroy(DomId(0)));
    assert!(dom0.has_run);
    let config = stage.config(GuestKind::Hvm, "guest")?;
    let core = tempfile::tempdir().unwrap().path().join("core");
    assert_eq!(refused(host.save(DomId(0), &mut stream(), SaveKind::Live)), ErrorKind::Invalid);
    assert_eq!(refused(host.resume(DomId(0))), ErrorKind::Invalid);
    assert_eq!(refused(host.rename(DomId(0), "other")), ErrorKind::Invalid);
    assert_eq!(refused(host.core_dump(DomId(0), &core)), ErrorKind::Invalid);
    assert_eq!(refused(host.preserve(DomId(0), "-old")), ErrorKind::Invalid);
    assert_eq!(refused(host.soft_reset(DomId(0), &config)), ErrorKind::Invalid);
    Ok(())
}

fn a_new_domain_is_paused_and_in_the_list(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let mut config = stage.config(kind, "guest")?;
        config.c_info.uuid = Some(uuid!("6ba7b810-9dad-41d1-80b4-00c04fd430c8"));
        config.b_info.target_memkb = Some(40 * 1024);
        config.b_info.max_memkb = Some(40 * 1024);
        let domid = stage.host().create_paused(&config).unwrap();
        let domains = stage.host().domains().unwrap();
        let domain = domains.iter().find(|domain| domain.domid == domid).unwrap();
        assert_eq!((domain.name.as_str(), domain.kind), ("guest", kind));
        assert_eq!(domain.uuid, uuid!("6ba7b810-9dad-41d1-80b4-00c04fd430c8"));
        assert_eq!(domain.state, RunState::Paused);
        assert!((20 * 1024..=48 * 1024).contains(&domain.memory_kb), "{} KiB", domain.memory_kb);
        assert_eq!(domain.vcpus, 1);
    }
    Ok(())
}

fn numbers_rise_and_are_not_used_again(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let mut last = DomId(0);
    for round in 0..3 {
        let domid = hvm(&*stage, &format!("guest-{round}"))?;
        assert!(domid > last, "{domid} after {last}");
        last = domid;
        stage.host().destroy(domid).unwrap();
    }
    let domains = stage.host().domains().unwrap();
    assert!(domains.is_sorted_by_key(|domain| domain.domid));
    Ok(())
}

fn a_name_that_is_taken(make: Make<'_>) -> Played {
    let stage = any(make)?;
    hvm(&*stage, "guest")?;
    let before = stage.host().domains().unwrap();
    for kind in KINDS {
        let config = stage.config(kind, "guest")?;
        assert_eq!(refused(stage.host().create_paused(&config)), ErrorKind::Exists);
    }
    assert_eq!(stage.host().domains().unwrap(), before);
    Ok(())
}

fn a_uuid_that_is_taken(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let mut config = stage.config(GuestKind::Hvm, "one")?;
    config.c_info.uuid = Some(uuid!("6ba7b810-9dad-41d1-80b4-00c04fd430c8"));
    stage.host().create_paused(&config).unwrap();
    let mut config = stage.config(GuestKind::Hvm, "two")?;
    config.c_info.uuid = Some(uuid!("6ba7b810-9dad-41d1-80b4-00c04fd430c8"));
    assert_eq!(refused(stage.host().create_paused(&config)), ErrorKind::Exists);
    Ok(())
}

fn names_and_uuids_are_free_after_a_destroy(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let mut config = stage.config(GuestKind::Hvm, "guest")?;
    config.c_info.uuid = Some(uuid!("6ba7b810-9dad-41d1-80b4-00c04fd430c8"));
    for _ in 0..2 {
        let domid = stage.host().create_paused(&config).unwrap();
        stage.host().destroy(domid).unwrap();
        assert_eq!(state(stage.host(), domid), None);
    }
    Ok(())
}

fn a_uuid_is_made_where_none_is_given(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let mut uuids = Vec::new();
    for name in ["one", "two"] {
        let mut config = stage.config(GuestKind::Hvm, name)?;
        config.c_info.uuid = None;
        let domid = stage.host().create_paused(&config).unwrap();
        let uuid = stage.host().stored_config(domid).unwrap().c_info.uuid.unwrap();
        assert!(!uuid.is_nil());
        uuids.push(uuid);
    }
    assert_ne!(uuids[0], uuids[1]);
    Ok(())
}

fn too_little_memory_leaves_nothing_behind(make: Make<'_>) -> Played {
    let stage = make(&Scenario { memory_mb: Some(100), ..Scenario::default() })?;
    let mut config = stage.config(GuestKind::Hvm, "guest")?;
    config.b_info.target_memkb = Some(101 * 1024);
    config.b_info.max_memkb = Some(101 * 1024);
    let before = stage.host().domains().unwrap();
    assert_eq!(refused(stage.host().create_paused(&config)), ErrorKind::NoMemory);
    assert_eq!(stage.host().domains().unwrap(), before);
    config.b_info.target_memkb = Some(90 * 1024);
    config.b_info.max_memkb = Some(90 * 1024);
    stage.host().create_paused(&config).unwrap();
    Ok(())
}

fn the_config_is_kept(make: Make<'_>) -> Played {
    let stage = at(make, "2026-07-01T12:00:00Z", "Europe/Berlin")?;
    let mut config = stage.config(GuestKind::Hvm, "guest")?;
    config.c_info.uuid = Some(uuid!("6ba7b810-9dad-41d1-80b4-00c04fd430c8"));
    config.b_info.rtc_timeoffset = 4_294_963_696;
    config.b_info.localtime = Some(Defbool::True);
    config.b_info.tsc_mode = Some(timers::tsc::TscMode::AlwaysEmulate);
    let domid = stage.host().create_paused(&config).unwrap();
    let kept = stage.host().stored_config(domid).unwrap();
    assert_eq!((kept.name(), kept.kind(), &kept.c_info.uuid), ("guest", GuestKind::Hvm, &config.c_info.uuid));
    // The intent is kept and not what it came to.
    assert_eq!(kept.b_info.rtc_timeoffset, 4_294_963_696);
    assert_eq!(kept.b_info.localtime, Some(Defbool::True));
    assert_eq!(kept.b_info.tsc_mode, config.b_info.tsc_mode);
    assert_eq!(kept.b_info.max_memkb, config.b_info.max_memkb);
    Ok(())
}
