//! The backends of devices, in dom0 and in domains that serve others: as much of their drivers as libxl waits for.

use crate::world::World;

/// XenbusState: what a toolstack writes, and what a driver answers.
const INITIALISING: &str = "1";
const INIT_WAIT: &[u8] = b"2";
const CLOSING: &str = "5";
const CLOSED: &[u8] = b"6";

/// A node has changed: where it is a backend's state, the driver does its part.
pub fn look(world: &mut World, path: &str) {
    // /local/domain/BACKEND/backend/TYPE/FRONTEND/DEVICE/state
    let mut words = path.split('/').skip(1);
    let is_state = words.next() == Some("local")
        && words.next() == Some("domain")
        && words.next().is_some()
        && words.next() == Some("backend")
        && words.nth(3) == Some("state")
        && words.next().is_none();
    if !is_state {
        return;
    }
    match world.store.text(path).as_deref() {
        Some(INITIALISING) => world.store.put(path, INIT_WAIT),
        Some(CLOSING) => world.store.put(path, CLOSED),
        _ => {}
    }
}
