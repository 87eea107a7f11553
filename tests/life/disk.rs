//! Faults of the records' directory and its files.

use std::fs;

use crate::known::{Guest, Loss, Settled, What};
use crate::op::Sick;
use crate::world::World;

impl World<'_> {
    pub fn lose(&mut self, site: usize, guest: usize, keeps: Option<u8>) {
        let file = self.grounds[site].records_dir().join(format!("{}.json", self.guests[guest].uuid));
        if self.sick[site].is_some() {
            return;
        }
        if self.keeping {
            let Ok(bytes) = fs::read(&file) else { return };
            match keeps {
                None => fs::remove_file(&file).unwrap(),
                Some(part) => {
                    let length = bytes.len().saturating_sub(2) * usize::from(part) / 255;
                    fs::write(&file, &bytes[..length]).unwrap();
                }
            }
        } else if self.guests[guest].kept[site].what == What::Nothing {
            return;
        }
        let serving = self.serving[site];
        let Guest { instance, kept, .. } = &mut self.guests[guest];
        let here = instance.as_mut().filter(|instance| instance.site == site);
        match here {
            Some(instance) if serving && instance.settled == Settled::Yes && !instance.set_unseen => {
                kept[site].lost = Some(keeps.map_or(Loss::Gone, |_| Loss::Torn));
            }
            // A service may have it in memory, or what it was once.
            Some(instance) if serving => {
                kept[site].doubt();
                (instance.settled, instance.told) = (Settled::Maybe, None);
            }
            // What the disk did not take is in a service's memory, also of a guest that is gone.
            None if serving && kept[site].unsaved => kept[site].doubt(),
            other => {
                kept[site].nothing();
                if let Some(instance) = other {
                    (instance.settled, instance.told) = (Settled::No, None);
                }
            }
        }
    }

    pub fn sicken(&mut self, site: usize, how: Sick) {
        if self.sick[site].is_some() {
            return;
        }
        let dir = self.grounds[site].records_dir();
        self.sick[site] = Some(how);
        match how {
            // Root may write anywhere; but without the lock nobody writes.
            Sick::ReadOnly => {
                fs::remove_file(dir.join("lock")).unwrap();
                std::os::unix::fs::symlink("/nowhere/at/all", dir.join("lock")).unwrap();
            }
            Sick::Gone => {
                // What was never in a service's memory is gone with it.
                for Guest { instance, kept, .. } in &mut self.guests {
                    if let Some(instance) =
                        instance.as_mut().filter(|instance| instance.site == site && instance.set_unseen)
                    {
                        kept[site].doubt();
                        (instance.settled, instance.told) = (Settled::Maybe, None);
                    }
                }
                fs::rename(&dir, dir.with_extension("away")).unwrap();
                fs::write(&dir, "").unwrap();
            }
        }
    }

    pub fn heal(&mut self, site: usize) {
        let dir = self.grounds[site].records_dir();
        match self.sick[site].take() {
            None => {}
            Some(Sick::ReadOnly) => {
                fs::remove_file(dir.join("lock")).unwrap();
                fs::write(dir.join("lock"), "").unwrap();
            }
            Some(Sick::Gone) => {
                fs::remove_file(&dir).unwrap();
                fs::rename(dir.with_extension("away"), &dir).unwrap();
            }
        }
    }
}
