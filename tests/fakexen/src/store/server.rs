//! xenstored's socket.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::{self, JoinHandle};

use xenclock::host::DomId;

use super::Told;
use super::wire::Message;
use crate::world::{self, World};

/// Answers at this path until the listener is shut down; one thread for each that connects.
pub fn serve(path: &Path) -> io::Result<(UnixListener, JoinHandle<()>)> {
    let listener = UnixListener::bind(path)?;
    let accepting = listener.try_clone()?;
    let thread = thread::Builder::new().name("xenstored".to_owned()).spawn(move || {
        let mut talks = Vec::new();
        while let Ok((stream, _)) = accepting.accept() {
            if let Ok(talk) = thread::Builder::new().spawn(move || talk(stream)) {
                talks.push(talk);
            }
            talks.retain(|talk| !talk.is_finished());
        }
        // All have been hung up on by now.
        world::with(|world| world.store.hang_up());
        for talk in talks {
            let _ = talk.join();
        }
    })?;
    Ok((listener, thread))
}

fn talk(mut stream: UnixStream) {
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
