//! Moving guests: through pipes, beside the source domain, and back after a failure.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::thread;

use timers::GuestKind;
use uuid::uuid;
use xenclock::domain::DomainConfig;
use xenclock::host::{DomId, ErrorKind, Event, Host, RunState, SaveKind, ShutdownReason, TscInfo};

use super::{
    KINDS, Make, Played, Stage, again, cases, event, listed, refused, running, state, stream, wait_until,
};

const SUSPENDED: RunState = RunState::Shutdown(ShutdownReason::Suspend);

cases![
    a_live_save_ends_suspended,
    a_resumed_guest_goes_on,
    a_resume_moves_no_clock,
    a_resumed_guest_can_be_saved_again,
    what_cannot_be_resumed,
    a_restored_guest_has_not_run,
    a_guest_moves_within_its_host,
    a_pipe_is_read_to_the_streams_end_and_no_further,
    a_pipe_that_nobody_reads,
    pipes_without_a_stream,
    a_failed_restore_leaves_the_other,
    a_name_is_taken_but_a_uuid_is_not,
];

/// Any host that can save.
fn any(make: Make<'_>) -> Played<Box<dyn Stage>> {
    let stage = super::any(make)?;
    stage.saves()?;
    Ok(stage)
}

/// A pipe as hosts take one.
fn pipe() -> (File, File) {
    let (reader, writer) = io::pipe().unwrap();
    (File::from(OwnedFd::from(reader)), File::from(OwnedFd::from(writer)))
}

/// A domain's config under the name that a guest has while it comes in.
fn incoming(host: &dyn Host, domid: DomId) -> DomainConfig {
    let mut config = host.stored_config(domid).unwrap();
    config.c_info.name = Some(format!("{}--incoming", config.name()));
    config
}

fn a_live_save_ends_suspended(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let host = stage.host();
        let config = stage.config(kind, "guest")?;
        let domid = host.create_paused(&config).unwrap();
        host.unpause(domid).unwrap();
        let mut file = stream();
        host.save(domid, &mut file, SaveKind::Live).unwrap();
        assert_eq!(state(host, domid), Some(SUSPENDED));
        host.destroy(domid).unwrap();
        file.rewind().unwrap();
        let restored = host.restore_paused(&config, &mut file).unwrap();
        host.unpause(restored).unwrap();
    }
    Ok(())
}

fn a_resumed_guest_goes_on(make: Make<'_>) -> Played {
    for kind in KINDS {
        for how in [SaveKind::Suspend, SaveKind::Live] {
            let stage = any(make)?;
            let host = stage.host();
            let domid = host.create_paused(&stage.config(kind, "guest")?).unwrap();
            host.unpause(domid).unwrap();
            let uuid = listed(host, domid).unwrap().uuid;
            host.save(domid, &mut stream(), how).unwrap();
            host.resume(domid).unwrap();
            assert_eq!(state(host, domid), Some(RunState::Running), "{kind:?}");
            stage.guest_ends(domid, ShutdownReason::Reboot)?;
            assert_eq!(event(host), Event::Introduced { domid, uuid });
            for reason in [ShutdownReason::Suspend, ShutdownReason::Reboot] {
                assert_eq!(event(host), Event::Shutdown { domid, uuid, reason });
            }
        }
    }
    Ok(())
}

fn a_resume_moves_no_clock(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let mut config = stage.config(GuestKind::Hvm, "guest")?;
    config.b_info.rtc_timeoffset = 3600;
    let domid = host.create_paused(&config).unwrap();
    let info = TscInfo { mode: 1, elapsed_ns: 0, khz: 1_000_000, incarnation: 0 };
    host.set_tsc_info(domid, &info).unwrap();
    host.unpause(domid).unwrap();
    stage.guest_shifts_rtc(domid, 20)?;
    let (offset, tsc) = (host.rtc_record(domid).unwrap().offset, host.tsc_info(domid).unwrap());
    host.save(domid, &mut stream(), SaveKind::Suspend).unwrap();
    stage.pass(10)?;
    host.resume(domid).unwrap();
    assert_eq!(host.rtc_record(domid).unwrap().offset, offset);
    let after = host.tsc_info(domid).unwrap();
    assert_eq!((after.mode, after.khz, after.incarnation), (tsc.mode, tsc.khz, tsc.incarnation));
    assert!(after.elapsed_ns >= tsc.elapsed_ns + 10_000_000_000, "time goes on for it meanwhile");
    // As after `xl save -c`, it is as it was before to all else.
    assert_eq!(host.stored_config(domid).unwrap().name(), "guest");
    Ok(())
}

fn a_resumed_guest_can_be_saved_again(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let host = stage.host();
        let config = stage.config(kind, "guest")?;
        let domid = host.create_paused(&config).unwrap();
        host.unpause(domid).unwrap();
        for how in [SaveKind::Live, SaveKind::Suspend] {
            host.save(domid, &mut stream(), how).unwrap();
            host.resume(domid).unwrap();
        }
        // One that is held meanwhile stays held.
        host.save(domid, &mut stream(), SaveKind::Live).unwrap();
        host.pause(domid).unwrap();
        host.resume(domid).unwrap();
        assert_eq!(state(host, domid), Some(RunState::Paused), "{kind:?}");
        host.unpause(domid).unwrap();
        assert_eq!(state(host, domid), Some(RunState::Running), "{kind:?}");
        let restored = again(&*stage, domid, &config);
        host.unpause(restored).unwrap();
    }
    Ok(())
}

fn what_cannot_be_resumed(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = super::hvm(&*stage, "guest")?;
    assert_eq!(refused(host.resume(domid)), ErrorKind::WrongState, "a new one");
    host.unpause(domid).unwrap();
    assert_eq!(refused(host.resume(domid)), ErrorKind::WrongState, "a running one");
    stage.guest_ends(domid, ShutdownReason::Poweroff)?;
    assert_eq!(refused(host.resume(domid)), ErrorKind::WrongState, "one that has ended otherwise");
    assert_eq!(state(host, domid), Some(RunState::Shutdown(ShutdownReason::Poweroff)));
    Ok(())
}

fn a_restored_guest_has_not_run(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let host = stage.host();
        let config = stage.config(kind, "guest")?;
        let domid = host.create_paused(&config).unwrap();
        host.unpause(domid).unwrap();
        wait_until(|| listed(host, domid).unwrap().has_run);
        let restored = again(&*stage, domid, &config);
        assert!(!listed(host, restored).unwrap().has_run, "{kind:?}");
        host.unpause(restored).unwrap();
        wait_until(|| listed(host, restored).unwrap().has_run);
    }
    Ok(())
}

/// A migration within a host, as xl does one: two domains with one UUID, and the new one takes the name at last.
fn a_guest_moves_within_its_host(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let (host, second) = (stage.host(), stage.second()?);
        let mut config = stage.config(kind, "guest")?;
        let uuid = uuid!("6ba7b810-9dad-41d1-80b4-00c04fd430c8");
        config.c_info.uuid = Some(uuid);
        let old = host.create_paused(&config).unwrap();
        host.set_user_data(old, "xenclock-contract", b"old").unwrap();
        host.unpause(old).unwrap();
        if kind == GuestKind::Hvm {
            stage.guest_shifts_rtc(old, 20)?;
        }
        let config = incoming(host, old);
        let (mut reader, mut writer) = pipe();
        let new = thread::scope(|scope| {
            scope.spawn(move || second.save(old, &mut writer, SaveKind::Live).unwrap());
            host.restore_paused(&config, &mut reader).unwrap()
        });
        let line = |domid| {
            let domain = listed(host, domid).unwrap();
            (domain.name, domain.state, domain.uuid)
        };
        let expected = |name: &str, state| (name.to_owned(), state, uuid);
        assert_eq!(line(old), expected("guest", SUSPENDED));
        assert_eq!(line(new), expected("guest--incoming", RunState::Paused));
        host.destroy(old).unwrap();
        host.rename(new, "guest").unwrap();
        host.unpause(new).unwrap();
        assert_eq!(line(new), expected("guest", RunState::Running));
        assert_eq!(host.stored_config(new).unwrap().name(), "guest");
        assert_eq!(host.user_data(new, "xenclock-contract").unwrap(), None);
        assert_eq!(host.tsc_info(new).unwrap().incarnation, 2);
        if kind == GuestKind::Hvm {
            let offset = host.rtc_record(new).unwrap().offset;
            assert!((offset - 20).abs() <= 2, "{offset}");
        }
    }
    Ok(())
}

fn a_pipe_is_read_to_the_streams_end_and_no_further(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let config = stage.config(GuestKind::Hvm, "guest")?;
    let domid = host.create_paused(&config).unwrap();
    host.unpause(domid).unwrap();

    let (mut reader, mut writer) = pipe();
    let saved = thread::scope(|scope| {
        let saved = scope.spawn(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).unwrap();
            bytes
        });
        host.save(domid, &mut writer, SaveKind::Suspend).unwrap();
        drop(writer);
        saved.join().unwrap()
    });
    host.destroy(domid).unwrap();

    let (mut reader, mut writer) = pipe();
    let after = b"what follows";
    thread::scope(|scope| {
        scope.spawn(move || writer.write_all(&[&saved, &after[..]].concat()).unwrap());
        host.restore_paused(&config, &mut reader).unwrap();
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert_eq!(rest.trim_ascii_start(), after);
    });
    Ok(())
}

fn a_pipe_that_nobody_reads(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let host = stage.host();
        let domid = host.create_paused(&stage.config(kind, "guest")?).unwrap();
        host.unpause(domid).unwrap();
        let (reader, mut writer) = pipe();
        drop(reader);
        assert_eq!(refused(host.save(domid, &mut writer, SaveKind::Live)), ErrorKind::Io);
        assert_eq!(state(host, domid), Some(RunState::Running));
    }
    Ok(())
}

fn pipes_without_a_stream(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let config = stage.config(GuestKind::Hvm, "guest")?;
    let before = host.domains().unwrap();
    for bytes in [&b""[..], b"Libxl", b"this is not a saved domain\n", &[0; 4096]] {
        let (mut reader, mut writer) = pipe();
        writer.write_all(bytes).unwrap();
        drop(writer);
        assert_eq!(refused(host.restore_paused(&config, &mut reader)), ErrorKind::Invalid, "{}", bytes.len());
        assert_eq!(host.domains().unwrap(), before);
    }
    Ok(())
}

fn a_failed_restore_leaves_the_other(make: Make<'_>) -> Played {
    for kind in KINDS {
        let stage = any(make)?;
        let host = stage.host();
        let domid = host.create_paused(&stage.config(kind, "guest")?).unwrap();
        host.unpause(domid).unwrap();
        let mut file = stream();
        host.save(domid, &mut file, SaveKind::Suspend).unwrap();
        let length = file.metadata().unwrap().len();
        let config = incoming(host, domid);
        let before = host.domains().unwrap();
        // Half of it, and all but the end.
        for cut in [length / 2, length - 16] {
            file.set_len(cut).unwrap();
            file.rewind().unwrap();
            refused(host.restore_paused(&config, &mut file));
            assert_eq!(host.domains().unwrap(), before, "{kind:?} {cut}");
            file.set_len(length).unwrap();
        }
        host.resume(domid).unwrap();
        assert_eq!(state(host, domid), Some(RunState::Running), "{kind:?}");
        assert_eq!(host.stored_config(domid).unwrap().name(), "guest");
    }
    Ok(())
}

fn a_name_is_taken_but_a_uuid_is_not(make: Make<'_>) -> Played {
    let stage = any(make)?;
    let host = stage.host();
    let domid = running(&*stage, "guest")?;
    let mut file = stream();
    host.save(domid, &mut file, SaveKind::Suspend).unwrap();
    let config = incoming(host, domid);
    for (name, is) in [("guest", Some(ErrorKind::Exists)), ("other", None)] {
        let mut config = config.clone();
        config.c_info.name = Some(name.to_owned());
        file.rewind().unwrap();
        let restored = host.restore_paused(&config, &mut file);
        assert_eq!(restored.err().map(|error| error.kind), is, "{name}");
    }
    assert_eq!(refused(host.create_paused(&config)), ErrorKind::Exists, "a new one may not have it");
    Ok(())
}
