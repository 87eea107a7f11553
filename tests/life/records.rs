//! RecordStore on real file systems: shared, torn, full, read-only, and locks that go with their process. The file is long
//! because all its tests share the programs that play the other processes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use timers::GuestClock;
use uuid::Uuid;
use xenclock::lifecycle::ClockRecord;
use xenclock::lifecycle::record::Request;
use xenclock::tracking::store::{RecordError, RecordStore};

const UUID: Uuid = Uuid::from_u128(0x6ba7_b810_9dad_41d1_80b4_00c0_4fd4_30c8);
const OTHER: Uuid = Uuid::from_u128(0x0f1e_2d3c_4b5a_4697_8877_6655_4433_2211);

/// Tells this very program, started again, what it is to do and where.
const ROLE: &str = "XENCLOCK_TEST_ROLE";

fn record(uuid: Uuid) -> ClockRecord {
    let request = Request::of_file(&GuestClock::default());
    ClockRecord::new(uuid, "guest", request)
}

fn put(records: &RecordStore, uuid: Uuid) {
    records.change(uuid, |_, _| (Some(record(uuid)), ())).unwrap();
}

fn count(records: &RecordStore, times: u64) {
    for _ in 0..times {
        let done = records.change(UUID, |record, _| {
            let mut record = record.unwrap();
            record.guest.seen += 1;
            (Some(record), ())
        });
        done.unwrap();
    }
}

fn file(dir: &Path, uuid: Uuid) -> PathBuf {
    dir.join(format!("{uuid}.json"))
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// This program again, in one of the roles below.
fn again(role: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["records::plays_its_role", "--exact", "--nocapture"])
        .env(ROLE, format!("{role} {}", dir.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// No test of its own: what [`again`] runs. Without a role there is nothing to do.
#[test]
fn plays_its_role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let (role, dir) = role.split_once(' ').unwrap();
    let records = RecordStore::in_dir(dir);
    match role {
        "count" => count(&records, 100),
        "hold" => {
            let held =
                (records.claim(UUID).unwrap(), records.monitor(UUID).unwrap(), records.serve().unwrap());
            assert!(held.0.is_some() && held.1.is_some() && held.2.is_some());
            println!("\nheld");
            std::thread::sleep(Duration::from_secs(600));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn threads_and_processes_lose_nothing_to_each_other() {
    let dir = TempDir::new().unwrap();
    let records = RecordStore::in_dir(dir.path());
    put(&records, UUID);
    let children = [again("count", dir.path()), again("count", dir.path())];
    std::thread::scope(|scope| {
        scope.spawn(|| count(&records, 100));
        scope.spawn(|| count(&records.clone(), 100));
        // Whoever reads meanwhile sees a whole record.
        for _ in 0..200 {
            assert!(records.get(UUID).unwrap().is_some());
        }
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let record = records.get(UUID).unwrap().unwrap();
    assert_eq!((record.guest.seen, record.generation), (400, 401));
    assert_eq!(names(dir.path()), [format!("{UUID}.json"), "lock".to_owned()]);
}

#[test]
fn a_torn_record_is_set_aside_once_and_the_others_go_on() {
    let dir = TempDir::new().unwrap();
    let records = RecordStore::in_dir(dir.path());
    put(&records, OTHER);
    put(&records, UUID);
    let whole = fs::read(file(dir.path(), UUID)).unwrap();
    let lengths: Vec<_> = (0..whole.len() - 2).step_by(37).collect();
    for (number, length) in lengths.iter().enumerate() {
        fs::write(file(dir.path(), UUID), &whole[..*length]).unwrap();
        let (all, errors) = records.all().unwrap();
        assert_eq!(all.iter().map(|record| record.uuid).collect::<Vec<_>>(), [OTHER], "{length}");
        let [RecordError::SetAside { aside, .. }] = &errors[..] else { panic!("{length}: {errors:?}") };
        assert_eq!(aside, &dir.path().join(format!("{UUID}.json.bad.{}", number + 1)));
        assert_eq!(fs::read(aside).unwrap(), &whole[..*length]);
        let (all, errors) = records.all().unwrap();
        assert_eq!((all.len(), errors.len()), (1, 0), "it is said once");
        assert_eq!(records.get(UUID).unwrap(), None);
        assert!(!records.is_there(UUID));
    }
    // Whoever changes it begins anew, and is told.
    fs::write(file(dir.path(), UUID), b"{").unwrap();
    let changed = records.change(UUID, |before, trouble| {
        assert_eq!(before, None);
        (Some(record(UUID)), trouble)
    });
    let (_, trouble) = changed.unwrap();
    assert!(trouble.unwrap().to_string().contains("is not understood and was set aside as"));
    assert_eq!(records.all().unwrap().0.len(), 2);
}

#[test]
fn what_is_no_record_of_this_program_is_set_aside_with_the_reason() {
    let dir = TempDir::new().unwrap();
    let records = RecordStore::in_dir(dir.path());
    put(&records, UUID);
    let text = fs::read_to_string(file(dir.path(), UUID)).unwrap();
    let long = format!("{}{}}}", text.trim_end().trim_end_matches('}'), " ".repeat(2 << 20));
    for (bytes, why) in [
        (
            text.replace("\"version\": 3", "\"version\": 1"),
            "version 1, but xenclock knows only versions 2 to 3",
        ),
        (
            text.replace(&UUID.to_string(), &OTHER.to_string()),
            "it belongs to guest 0f1e2d3c-4b5a-4697-8877-665544332211",
        ),
        (long, "EOF while parsing"),
    ] {
        fs::write(file(dir.path(), UUID), bytes).unwrap();
        let error = records.get(UUID).unwrap_err();
        assert!(matches!(error, RecordError::SetAside { .. }) && error.to_string().contains(why), "{error}");
    }
    // What is there and no file at all stays where it is, and holds up nobody else.
    fs::create_dir(file(dir.path(), UUID)).unwrap();
    put(&records, OTHER);
    let (all, errors) = records.all().unwrap();
    assert_eq!((all.len(), errors.len()), (1, 1));
    assert!(matches!(errors[0], RecordError::Io { .. }), "{errors:?}");
}

#[test]
fn a_record_of_a_newer_version_is_left_as_it_is_and_named() {
    let dir = TempDir::new().unwrap();
    let records = RecordStore::in_dir(dir.path());
    put(&records, OTHER);
    let newer = r#"{"version": 9, "uuid": "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "asked": "something new"}"#;
    fs::write(file(dir.path(), UUID), newer).unwrap();
    let error = records.get(UUID).unwrap_err();
    assert!(matches!(error, RecordError::Newer { version: 9, .. }), "{error}");
    let (all, errors) = records.all().unwrap();
    assert_eq!((all.len(), errors.len()), (1, 1));
    assert!(errors[0].to_string().contains("install the newer xenclock again"), "{}", errors[0]);
    let changed = records.change(UUID, |_, _| panic!("nobody knows what is in it"));
    assert!(matches!(changed, Err::<(_, ()), _>(RecordError::Newer { .. })));
    assert!(
        records.gone(UUID, "boot", xenclock::host::DomId(1), std::time::SystemTime::now().into()).is_err()
    );
    assert_eq!(fs::read_to_string(file(dir.path(), UUID)).unwrap(), newer);
    assert_eq!(names(dir.path()).len(), 3, "{:?}", names(dir.path()));
}

#[test]
fn a_directory_that_others_may_write_is_refused() {
    let dir = TempDir::new().unwrap();
    let records = RecordStore::in_dir(dir.path());
    put(&records, UUID);
    for mode in [0o720, 0o702, 0o777, 0o1777] {
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = records.get(UUID).unwrap_err();
        let expected = format!("is writable by users other than its owner (mode {mode:04o})");
        assert!(error.to_string().contains(&expected) && error.to_string().contains("chmod go-w"), "{error}");
        assert!(records.all().is_err() && records.claim(UUID).is_err() && records.serve().is_err());
        assert!(records.change(UUID, |_, _| (None, ())).is_err() && records.wait_until_free().is_err());
    }
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(records.get(UUID).unwrap().is_some(), "others may read it");
    if std::os::unix::fs::chown(dir.path(), Some(4242), None).is_ok() {
        let error = records.get(UUID).unwrap_err().to_string();
        if rustix::process::geteuid().is_root() {
            assert!(error.contains("belongs to user 4242") && error.contains("chown root"), "{error}");
        }
    }
}

#[test]
fn no_lock_and_no_record_is_a_link() {
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let records = RecordStore::in_dir(dir.path());
    put(&records, UUID);
    fs::create_dir(dir.path().join("starting")).unwrap();
    for name in ["lock", "service", &format!("starting/{UUID}")] {
        let _ = fs::remove_file(dir.path().join(name));
        symlink(other.path().join("target"), dir.path().join(name)).unwrap();
    }
    let refused = "it is a symbolic link, expected a regular file";
    let errors = [
        records.change(UUID, |_, _| (None, ())).unwrap_err(),
        records.serve().unwrap_err(),
        records.claim(UUID).unwrap_err(),
        records.wait_until_free().unwrap_err(),
    ];
    for error in errors {
        assert!(
            error.to_string().starts_with("cannot open ") && error.to_string().contains(refused),
            "{error}"
        );
    }
    assert_eq!(names(other.path()), [""; 0], "nothing is made where they lead");
    assert!(records.get(UUID).unwrap().is_some());
    fs::remove_file(dir.path().join("lock")).unwrap();
    // A record elsewhere is neither read nor written, whether it exists or not.
    let record = dir.path().join(format!("{UUID}.json"));
    let text = fs::read(&record).unwrap();
    for there in [Some(text), None] {
        let target = other.path().join("record");
        let _ = fs::remove_file(&record);
        let _ = fs::remove_file(&target);
        there.iter().for_each(|text| fs::write(&target, text).unwrap());
        symlink(&target, &record).unwrap();
        let errors = [
            records.get(UUID).map(drop).unwrap_err(),
            records.change(UUID, |_, _| (None, ())).map(drop).unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains(refused), "{error}");
        }
        assert_eq!(fs::read(&target).ok(), there);
    }
}

/// As `flock DIR/lock sleep` does it, in this process.
fn hold(dir: &Path) -> fs::File {
    let file = fs::File::options().create(true).truncate(false).write(true).open(dir.join("lock")).unwrap();
    file.lock().unwrap();
    file
}

#[test]
fn a_lock_that_is_never_given_back_is_waited_for_once() {
    let dir = TempDir::new().unwrap();
    let records = RecordStore::in_dir(dir.path());
    put(&records, UUID);
    let held = hold(dir.path());
    let begun = Instant::now();
    let error = records.wait_until_free().unwrap_err();
    let expected =
        format!("cannot lock {}: process {} (", dir.path().join("lock").display(), std::process::id());
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert!(
        error.to_string().contains("holds the lock; waited 5 s; wait for that process, or end it"),
        "{error}"
    );
    // Many guests are not each waited for.
    for _ in 0..100 {
        assert!(matches!(records.change(UUID, |_, _| (None, ())), Err(RecordError::Held { .. })));
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(records.get(UUID).unwrap().is_some(), "to read takes no lock");
    // Closing it is not enough: a process that another test is starting has the file as well, for a moment.
    held.unlock().unwrap();
    records.wait_until_free().unwrap();
    count(&records, 1);
}

#[test]
fn what_killed_processes_left_is_swept() {
    let dir = TempDir::new().unwrap();
    put(&RecordStore::in_dir(dir.path()), UUID);
    for left in [".new-a1b2c3", ".xenclock-new-0123"] {
        fs::write(dir.path().join(left), "{").unwrap();
    }
    for held in ["starting", "monitors"] {
        fs::create_dir(dir.path().join(held)).unwrap();
        fs::write(dir.path().join(held).join(OTHER.to_string()), "").unwrap();
    }
    let other = RecordStore::in_dir(dir.path());
    let claim = RecordStore::in_dir(dir.path()).claim(UUID).unwrap();
    count(&other, 1);
    assert_eq!(names(dir.path()), [&format!("{UUID}.json"), "lock", "monitors", "starting"]);
    assert_eq!(names(&dir.path().join("monitors")), [""; 0]);
    assert_eq!(names(&dir.path().join("starting")), [UUID.to_string()], "it is held");
    drop(claim);
}

#[test]
fn an_unwritable_directory_leaves_the_old_record_as_it_was() {
    let dir = TempDir::new().unwrap();
    let records = RecordStore::in_dir(dir.path().join("records"));
    put(&records, UUID);
    let before = records.get(UUID).unwrap();
    // Root may write anywhere; but without the lock nobody writes.
    let lock = dir.path().join("records/lock");
    fs::remove_file(&lock).unwrap();
    symlink("/nowhere/at/all", &lock).unwrap();
    let error = records.change(UUID, |_, _| (Some(record(UUID)), ())).unwrap_err();
    assert!(error.to_string().starts_with("cannot open "), "{error}");
    assert_eq!(records.get(UUID).unwrap(), before);
    // A file in the place of the directory.
    let records = RecordStore::in_dir(dir.path().join("file"));
    fs::write(dir.path().join("file"), "").unwrap();
    let error = records.change(UUID, |_, _| (Some(record(UUID)), ())).unwrap_err();
    assert!(error.to_string().contains(" is not a directory: "), "{error}");
    assert!(records.get(UUID).is_err() && records.all().is_err() && records.claim(UUID).is_err());
    // A link that leads nowhere, and one that leads to itself.
    for to in ["nothing", "link"] {
        let link = dir.path().join("link");
        symlink(dir.path().join(to), &link).unwrap();
        let records = RecordStore::in_dir(&link);
        let error = records.change(UUID, |_, _| (Some(record(UUID)), ())).unwrap_err();
        assert!(
            error.to_string().contains("is a symbolic link that does not lead to a directory; "),
            "{error}"
        );
        assert!(records.wait_until_free().is_err() && records.get(UUID).is_err());
        fs::remove_file(&link).unwrap();
    }
}

/// A small file system of its own; `None`, with a word, where none can be had.
struct Disk {
    path: PathBuf,
    /// Where it is mounted; taken away after it.
    _dir: TempDir,
}

impl Disk {
    fn new() -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("disk");
        fs::create_dir(&path).unwrap();
        let made = mount(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], &path);
        if !made {
            xentest::skip("only root can mount a small file system", "run the tests as root");
        }
        made.then_some(Disk { path, _dir: dir })
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.path).status();
    }
}

fn mount(words: &[&str], at: &Path) -> bool {
    let done = Command::new("mount").args(words).arg(at).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_keeps_the_old_record_and_says_what_to_do() {
    let Some(disk) = Disk::new() else { return };
    let records = RecordStore::in_dir(disk.path.join("records"));
    put(&records, UUID);
    count(&records, 1);
    let before = records.get(UUID).unwrap();
    let ballast = disk.path.join("ballast");
    let _ = fs::write(&ballast, vec![0; 1 << 20]);
    let counted = |record: Option<ClockRecord>| {
        let mut record = record.unwrap();
        record.guest.seen += 1;
        (Some(record), ())
    };
    let error = records.change(UUID, |record, _| counted(record)).unwrap_err();
    assert!(error.to_string().contains("; make room there: until then"), "{error}");
    assert_eq!(records.get(UUID).unwrap(), before);
    let left: Vec<_> = names(&disk.path.join("records"));
    assert_eq!(left, [format!("{UUID}.json"), "lock".to_owned()], "nothing half-written is left");
    fs::remove_file(&ballast).unwrap();
    count(&records, 1);
    assert_eq!(records.get(UUID).unwrap().unwrap().guest.seen, 2);
}

/// For every process: it counts as the record, and goes where it belongs when it can.
#[test]
fn what_a_disk_does_not_take_is_in_the_spill_until_it_does() {
    let Some(disk) = Disk::new() else { return };
    let spill = TempDir::new().unwrap();
    // Another process has another value.
    let stores = [(); 2].map(|()| RecordStore::in_dir_with_spill(disk.path.join("records"), spill.path()));
    let turn = std::cell::Cell::new(0);
    let open = || {
        turn.set(turn.get() + 1);
        &stores[turn.get() % 2]
    };
    put(open(), UUID);
    let in_spill = || {
        let dirs = fs::read_dir(spill.path()).unwrap().map(|entry| entry.unwrap().path());
        dirs.flat_map(|dir| names(&dir)).filter(|name| name.ends_with(".json")).count()
    };
    let counted = |record: Option<ClockRecord>| {
        let mut record = record.unwrap();
        record.guest.seen += 1;
        (Some(record), ())
    };
    let ballast = disk.path.join("ballast");
    let held = |taken: bool| match taken {
        true => drop(fs::write(&ballast, vec![0; 1 << 20])),
        false => fs::remove_file(&ballast).unwrap(),
    };
    let mut seen = 0;
    for how in ["full", "read-only", "locked"] {
        let mut lock = None;
        match how {
            "full" => held(true),
            "read-only" => assert!(mount(&["-o", "remount,ro"], &disk.path)),
            _ => lock = Some(hold(&disk.path.join("records"))),
        }
        for _ in 0..2 {
            let error = open().change(UUID, |record, _| counted(record)).unwrap_err();
            seen += 1;
            assert!(error.to_string().contains(": until then the record is in "), "{how}: {error}");
            assert_eq!(error.record().unwrap().guest.seen, seen, "{how}");
            assert_eq!(open().get(UUID).unwrap().unwrap().guest.seen, seen, "{how}");
        }
        // A guest of which nothing was kept so far.
        assert!(matches!(
            open().change(OTHER, |_, _| (Some(record(OTHER)), ())),
            Err(RecordError::Spilled { .. })
        ));
        assert!(open().is_there(OTHER) && open().all().unwrap().0.len() == 2, "{how}");
        assert_eq!((in_spill(), open().settle()), (2, vec![]), "{how}");
        match how {
            "full" => held(false),
            "read-only" => assert!(mount(&["-o", "remount,rw"], &disk.path)),
            _ => lock.take().unwrap().unlock().unwrap(),
        }
        // A process that another test starts has the lock for the moment until it is itself.
        let mut settled = open().settle();
        for _ in 0..100 {
            if in_spill() == 0 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
            settled.extend(open().settle());
        }
        settled.sort();
        assert_eq!((settled, in_spill()), (vec![OTHER, UUID], 0), "{how}");
        let plain = RecordStore::in_dir(disk.path.join("records"));
        assert_eq!(plain.get(UUID).unwrap().unwrap().guest.seen, seen, "{how}");
        open().change(OTHER, |_, _| (None, ())).unwrap();
        assert!(!open().is_there(OTHER));
    }
    // A change on disk since counts, and one that was put elsewhere is no newer than it says.
    held(true);
    assert!(open().change(UUID, |record, _| counted(record)).is_err());
    held(false);
    count(&RecordStore::in_dir(disk.path.join("records")), 3);
    assert_eq!(open().get(UUID).unwrap().unwrap().guest.seen, seen + 3);
    open().change(UUID, |record, _| counted(record)).unwrap();
    assert_eq!((open().get(UUID).unwrap().unwrap().guest.seen, in_spill()), (seen + 4, 0));
    assert_eq!(names(spill.path()), [""; 0], "nothing is left in memory");
}

#[test]
fn a_read_only_disk_is_named_and_read_all_the_same() {
    let Some(disk) = Disk::new() else { return };
    let records = RecordStore::in_dir(disk.path.join("records"));
    put(&records, UUID);
    assert!(mount(&["-o", "remount,ro"], &disk.path));
    let error = records.change(OTHER, |_, _| (Some(record(OTHER)), ())).unwrap_err();
    assert!(
        error.to_string().contains("; mount it writable, or name another directory with --records"),
        "{error}"
    );
    assert!(records.get(UUID).unwrap().is_some());
    assert!(records.claim(UUID).is_err() && !records.is_claimed(UUID).unwrap());
}

#[test]
fn a_claim_a_monitor_and_a_service_are_alone() {
    let dir = TempDir::new().unwrap();
    let (one, two) = (RecordStore::in_dir(dir.path()), RecordStore::in_dir(dir.path()));
    let claim = one.claim(UUID).unwrap().unwrap();
    assert!(two.claim(UUID).unwrap().is_none() && two.claim(OTHER).unwrap().is_some());
    assert!(
        two.is_claimed(UUID).unwrap() && !two.is_claimed(OTHER).unwrap() && !two.is_monitored(UUID).unwrap()
    );
    let monitor = one.monitor(UUID).unwrap().unwrap();
    let service = one.serve().unwrap().unwrap();
    assert!(two.monitor(UUID).unwrap().is_none() && two.serve().unwrap().is_none());
    assert!(two.is_monitored(UUID).unwrap());
    // None of them is in the way of the records.
    put(&two, UUID);
    drop((claim, monitor, service));
    assert!(!two.is_claimed(UUID).unwrap() && !two.is_monitored(UUID).unwrap());
    assert!(two.claim(UUID).unwrap().is_some() && two.monitor(UUID).unwrap().is_some());
    assert!(two.serve().unwrap().is_some());
    assert_eq!(names(&dir.path().join("starting")), [""; 0], "a claim's file goes with it");
}

#[test]
fn what_a_killed_process_held_is_free_whatever_files_it_left() {
    let dir = TempDir::new().unwrap();
    let records = RecordStore::in_dir(dir.path());
    let mut child = again("hold", dir.path());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "held"));
    assert!(records.claim(UUID).unwrap().is_none() && records.monitor(UUID).unwrap().is_none());
    assert!(records.serve().unwrap().is_none());
    // With SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    let left = names(&dir.path().join("starting"));
    assert_eq!(left, [UUID.to_string()], "it could not take its files away");
    assert!(!records.is_claimed(UUID).unwrap() && !records.is_monitored(UUID).unwrap());
    assert!(records.claim(UUID).unwrap().is_some() && records.monitor(UUID).unwrap().is_some());
    assert!(records.serve().unwrap().is_some());
}
