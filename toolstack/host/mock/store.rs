//! The storage of a mock's state: in memory, or in a file that several processes share.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::file::StateFile;
use super::state::{Change, State, StoreError};

/// How long to wait before looking at a file again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The place of the state.
#[derive(Clone, Debug)]
pub(super) enum Store {
    Memory(Arc<Memory>),
    File(Arc<StateFile>),
}

/// A state that several views of one host share.
#[derive(Debug, Default)]
pub(super) struct Memory {
    state: Mutex<Arc<State>>,
    changed: Condvar,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, Arc<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// A file that need not exist yet.
    pub(super) fn file(path: &Path) -> Result<Self, StoreError> {
        Ok(Store::File(Arc::new(StateFile::at(path)?)))
    }

    /// The state as it is; what changes later is another.
    pub(super) fn read(&self) -> Result<Arc<State>, StoreError> {
        match self {
            Store::Memory(memory) => Ok(Arc::clone(&memory.state())),
            Store::File(file) => file.read(),
        }
    }

    /// Changes the state; nobody else changes it meanwhile.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> Change<T>) -> Result<T, StoreError> {
        match self {
            Store::Memory(memory) => {
                let mut state = memory.state();
                let mut after = State::clone(&state);
                match change(&mut after) {
                    Change::Keep(answer) => {
                        *state = Arc::new(after);
                        memory.changed.notify_all();
                        Ok(answer)
                    }
                    Change::Discard(answer) => Ok(answer),
                }
            }
            Store::File(file) => file.change(change),
        }
    }

    /// Waits until the state may be another than this one, or for so long.
    pub(super) fn wait(&self, known: &Arc<State>, timeout: Duration) {
        match self {
            Store::Memory(memory) => {
                let same = |state: &mut Arc<State>| Arc::ptr_eq(state, known);
                let waited = memory.changed.wait_timeout_while(memory.state(), timeout, same);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            }
            Store::File(_) => std::thread::sleep(timeout.min(LOOK_AGAIN)),
        }
    }
}
