//! `vm.cpumask` and related settings of `xl.conf`: the CPUs to which guests are restricted, whatever their files
//! request.

use timers::GuestKind;

use super::{XlHost, read};
use crate::diag::Errors;
use crate::domain::DomainConfig;
use crate::domain::config::Bitmap;

/// Takes the CPUs that `xl.conf` does not grant out of the hard affinity of each vCPU.
///
/// # Errors
/// When a mask is no set of CPUs.
pub fn apply(config: &mut DomainConfig, host: &XlHost) -> Result<(), Errors> {
    let masks = &host.conf.cpu_masks;
    let of_kind = match config.kind() {
        GuestKind::Pv => ("vm.pv.cpumask", &masks.pv),
        GuestKind::Hvm | GuestKind::Pvh => ("vm.hvm.cpumask", &masks.hvm),
    };
    for (name, mask) in [("vm.cpumask", &masks.all), of_kind] {
        let Some(mask) = mask.as_deref().map(|mask| set(name, mask, host)).transpose()?.flatten() else {
            continue;
        };
        let info = &mut config.b_info;
        if info.vcpu_hard_affinity.is_empty() {
            let vcpus = usize::try_from(info.max_vcpus).unwrap_or(0);
            info.vcpu_hard_affinity = vec![mask; vcpus];
        } else {
            info.vcpu_hard_affinity.iter_mut().for_each(|cpus| cpus.retain(|cpu| mask.contains(cpu)));
        }
    }
    Ok(())
}

/// The CPUs of a mask, by the rules of the key `cpus`; `None` for all of them.
fn set(name: &str, mask: &str, host: &XlHost) -> Result<Option<Bitmap>, Errors> {
    let text = format!("type='pv'\nname='mask'\nkernel='/'\nvcpus=1\ncpus=\"{mask}\"\n");
    let described = read(&format!("xl.conf: {name}"), text.as_bytes(), &[], host)?;
    Ok(described.input.domain.config.b_info.vcpu_hard_affinity.into_iter().next())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cfg::CpuMasks;

    fn masked(kind: GuestKind, own: &[Bitmap], masks: [Option<&str>; 3]) -> Vec<Bitmap> {
        let [all, hvm, pv] = masks.map(|mask| mask.map(str::to_owned));
        let mut host = XlHost::default();
        host.conf.cpu_masks = CpuMasks { all, hvm, pv };
        let mut config = DomainConfig::new(kind);
        config.b_info.max_vcpus = 2;
        config.b_info.vcpu_hard_affinity = own.to_vec();
        apply(&mut config, &host).unwrap();
        config.b_info.vcpu_hard_affinity
    }

    #[test]
    fn masks_narrow_what_a_guest_has() {
        let (pv, pvh) = (GuestKind::Pv, GuestKind::Pvh);
        assert_eq!(masked(pv, &[], [None, None, None]), Vec::<Bitmap>::new());
        assert_eq!(masked(pv, &[], [None, Some("0"), None]), Vec::<Bitmap>::new());
        assert_eq!(masked(pv, &[], [Some("0-3,^2"), None, None]), vec![vec![0, 1, 3]; 2]);
        assert_eq!(masked(pvh, &[], [Some("0-3"), Some("2-5"), Some("0")]), vec![vec![2, 3]; 2]);
        assert_eq!(masked(pv, &[vec![1], vec![5]], [Some("0-3"), None, None]), vec![vec![1], vec![]]);
        assert_eq!(masked(pv, &[vec![7]], [Some("all"), None, None]), vec![vec![7]]);
    }

    #[test]
    fn a_mask_that_is_none_is_named() {
        let mut host = XlHost::default();
        host.conf.cpu_masks.all = Some("x".to_owned());
        let errors = apply(&mut DomainConfig::new(GuestKind::Pv), &host).unwrap_err();
        assert!(errors.to_string().contains("vm.cpumask"), "{errors}");
    }
}
