//! xenstored's side of a connection.

use std::io;
use std::os::unix::net::UnixStream;

use xenclock::host::DomId;

use super::Told;
use super::wire::Message;
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
                    // xenconsoled hears of it too, and gives the guest's console a terminal.
                    world.store.put(&format!("/local/domain/{domid}/console/tty"), b"/dev/pts/0");
                }
            }
            Told::Written(path) => {
                if let Some(domid) = asked(&path) {
                    let _ = world.hear(domid);
                }
            }
        }
    }
    Ok(())
}

/// The domain that something is asked of by this node.
fn asked(path: &str) -> Option<DomId> {
    let (domid, node) = path.strip_prefix("/local/domain/")?.split_once('/')?;
    (node == "control/shutdown").then(|| domid.parse().ok().map(DomId))?
}
