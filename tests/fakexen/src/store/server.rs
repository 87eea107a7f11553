//! xenstored's side of a connection.

use std::io;
use std::os::unix::net::UnixStream;

use xenclock::host::DomId;

use super::Told;
use super::wire::Message;
use crate::backends;
use crate::world::{self, World};

/// Answers whoever is at the other end, until it hangs up.
pub fn talk(mut stream: UnixStream) {
    let Ok(copy) = stream.try_clone() else { return };
    let Some(connection) = world::with(|world| world.store.connect(copy)) else { return };
    while let Ok(Some(message)) = Message::read(&mut stream) {
        let answered = world::with(|world| answer(world, connection, &message, &mut stream));
        if !matches!(answered, Some(Ok(()))) {
            break;
        }
    }
    world::with(|world| world.store.disconnect(connection));
}

/// Everything that a message sets off happens before another is looked at, and the answer comes first on the wire.
fn answer(world: &mut World, connection: u64, message: &Message, stream: &mut UnixStream) -> io::Result<()> {
    let mut told = Vec::new();
    let answer = world.store.answer(connection, message, &mut told);
    answer.write(stream)?;
    for thing in told {
        match thing {
            Told::Watched => world.store.fire_newest(),
            Told::Introduced(domid) => {
                if world.store.introduce(domid) {
                    // The model counts its own events; those of the real host come from the watch.
                    let _ = world.machine.introduce(DomId(domid));
                }
            }
            Told::Written(path) => look(world, &path),
        }
    }
    Ok(())
}

/// Those who watch xenstore do their part when a guest's node is written.
fn look(world: &mut World, path: &str) {
    backends::look(world, path);
    let Some((domid, node)) = path.strip_prefix("/local/domain/").and_then(|rest| rest.split_once('/'))
    else {
        return;
    };
    let Some(domid) = domid.parse().ok().filter(|domid| *domid != 0).map(DomId) else { return };
    match node {
        "control/shutdown" => {
            let _ = world.hear(domid);
        }
        // xenconsoled gives a console its terminal.
        "console/tty" if world.store.text(path).is_some_and(|terminal| terminal.is_empty()) => {
            world.store.put(path, b"/dev/pts/0");
        }
        _ => {}
    }
}
