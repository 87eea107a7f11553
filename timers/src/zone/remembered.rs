//! Zones that are looked up once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Zone, ZoneError, ZoneSource};

/// A source that looks each zone up once: for many domains at one time. Changes of the database are not noticed.
pub struct Remembered {
    source: Box<dyn ZoneSource + Send + Sync>,
    known: Mutex<HashMap<String, Zone>>,
}

impl Remembered {
    /// Remembers the zones of a source.
    #[must_use]
    pub fn new(source: Box<dyn ZoneSource + Send + Sync>) -> Self {
        Remembered { source, known: Mutex::default() }
    }
}

impl ZoneSource for Remembered {
    fn zone(&self, name: &str) -> Result<Zone, ZoneError> {
        // A map is whole whatever became of a thread that held it.
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zone) = known().get(name) {
            return Ok(zone.clone());
        }
        let zone = self.source.zone(name)?;
        known().insert(name.to_owned(), zone.clone());
        Ok(zone)
    }

    fn names(&self) -> Vec<String> {
        self.source.names()
    }

    fn release(&self) -> Option<String> {
        self.source.release()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    struct Counting(Arc<AtomicU32>);

    impl ZoneSource for Counting {
        fn zone(&self, name: &str) -> Result<Zone, ZoneError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            if name == "Etc/UTC" { Ok(Zone::utc()) } else { Err(ZoneError::Unknown(name.to_owned())) }
        }

        fn names(&self) -> Vec<String> {
            Vec::new()
        }

        fn release(&self) -> Option<String> {
            None
        }
    }

    #[test]
    fn a_zone_is_looked_up_once_and_an_unknown_one_each_time() {
        let count = Arc::new(AtomicU32::new(0));
        let zones = Remembered::new(Box::new(Counting(count.clone())));
        for _ in 0..3 {
            assert_eq!(zones.zone("Etc/UTC"), Ok(Zone::utc()));
        }
        assert_eq!(count.load(Ordering::Relaxed), 1);
        for _ in 0..2 {
            assert!(zones.zone("Nowhere").is_err());
        }
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }
}
