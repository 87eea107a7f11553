//! An HVM context as Xen saves it: consecutive records, each after a header of 8 bytes, terminated by an empty record.

use std::mem::{offset_of, size_of};

use xen_sys::{
    HVM_SAVE_CODE_CPU, HVM_SAVE_CODE_END, HVM_SAVE_CODE_HEADER, hvm_hw_cpu, hvm_save_descriptor,
    hvm_save_header,
};

/// A virtual CPU's extended state. Xen takes it away where a CPU's record is loaded without it: what AVX has in it is
/// lost. Its length depends on the machine, so the headers have no structure for it.
const CPU_XSAVE: u16 = 16;

/// The type, the instance and the length of what follows.
const HEAD: usize = size_of::<hvm_save_descriptor>();

/// The place of the TSC in a virtual CPU's record.
const TSC: usize = offset_of!(hvm_hw_cpu, tsc);

/// The place of the guest's frequency in the header.
const KHZ: usize = offset_of!(hvm_save_header, gtsc_khz);

/// One record of a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record<'a> {
    code: u16,
    instance: u16,
    /// With its head.
    whole: &'a [u8],
}

/// The records up to the end, or what is wrong with them.
fn records(context: &[u8]) -> Result<Vec<Record<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = context;
    loop {
        let (head, body) =
            rest.split_first_chunk::<HEAD>().ok_or_else(|| "it stops before its end record".to_owned())?;
        let number = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let (code, instance) = (number(0), number(2));
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        if length > body.len() {
            return Err(format!("record {code} is {length} bytes long, but only {} are left", body.len()));
        }
        let (whole, after) = rest.split_at(HEAD + length);
        found.push(Record { code, instance, whole });
        if code == HVM_SAVE_CODE_END {
            return Ok(found);
        }
        rest = after;
    }
}

/// The context that starts the boot CPU anew with its TSC at 0: the header with the frequency in force, and that
/// CPU alone.
///
/// # Errors
/// When the context is none of a guest that never ran: other CPUs are up in it, or it is no context.
pub(super) fn restarted(context: &[u8]) -> Result<Vec<u8>, Unfit> {
    let records = records(context).map_err(Unfit::Broken)?;
    let of = |code: u16| records.iter().filter(move |record| record.code == code);
    // Xen saves the CPUs that are up, and loading takes down those that it does not find.
    if of(HVM_SAVE_CODE_CPU).any(|record| record.instance != 0) {
        return Err(Unfit::HasRun);
    }
    let first = |code: u16, name: &str| {
        of(code).next().ok_or_else(|| Unfit::Broken(format!("it has no {name} record")))
    };
    let header = first(HVM_SAVE_CODE_HEADER, "header")?;
    let cpu = first(HVM_SAVE_CODE_CPU, "CPU")?;
    let end = first(HVM_SAVE_CODE_END, "end")?;
    let mut cpu = cpu.whole.to_vec();
    cpu.get_mut(HEAD + TSC..HEAD + TSC + 8)
        .ok_or_else(|| Unfit::Broken("its CPU record has no TSC".to_owned()))?
        .fill(0);
    Ok([header.whole, &cpu, end.whole].concat())
}

/// The frequency in a context's header, which is what the guest is told.
///
/// # Errors
/// When it is no context.
pub(super) fn told_khz(context: &[u8]) -> Result<u32, String> {
    let records = records(context)?;
    let header = records.iter().find(|record| record.code == HVM_SAVE_CODE_HEADER);
    let bytes = header.and_then(|header| header.whole.get(HEAD + KHZ..)?.first_chunk());
    bytes.copied().map(u32::from_le_bytes).ok_or_else(|| "its header has no frequency".to_owned())
}

/// The virtual CPUs that are up, each with its TSC.
///
/// # Errors
/// When it is no context, or has no CPU.
pub(super) fn cpus(context: &[u8]) -> Result<Vec<(u16, u64)>, String> {
    let records = records(context)?;
    let cpus = records.iter().filter(|record| record.code == HVM_SAVE_CODE_CPU);
    let cpus: Option<Vec<_>> = cpus
        .map(|record| {
            let tsc = record.whole.get(HEAD + TSC..)?.first_chunk()?;
            Some((record.instance, u64::from_le_bytes(*tsc)))
        })
        .collect();
    match cpus {
        Some(cpus) if !cpus.is_empty() => Ok(cpus),
        _ => Err("it has no CPU with a TSC".to_owned()),
    }
}

/// The context with which the guest's TSC goes on at this frequency: the header with it, and all that Xen keeps of each
/// virtual CPU's registers, for loading takes down those that it does not find. To each TSC so many ticks are added.
///
/// # Errors
/// When it is no context.
pub(super) fn at_frequency(context: &[u8], khz: u32, ticks: u64) -> Result<Vec<u8>, String> {
    let cpus = cpus(context)?;
    let mut loaded = Vec::new();
    for Record { code, instance, whole } in records(context)? {
        let at = loaded.len();
        match code {
            HVM_SAVE_CODE_HEADER => {
                loaded.extend_from_slice(whole);
                let field = loaded.get_mut(at + HEAD + KHZ..at + HEAD + KHZ + 4);
                let field = field.ok_or_else(|| "its header has no frequency".to_owned())?;
                field.copy_from_slice(&khz.to_le_bytes());
            }
            HVM_SAVE_CODE_CPU => {
                loaded.extend_from_slice(whole);
                let tsc = cpus.iter().find(|(cpu, _)| *cpu == instance).map_or(0, |(_, tsc)| *tsc);
                if let Some(field) = loaded.get_mut(at + HEAD + TSC..at + HEAD + TSC + 8) {
                    field.copy_from_slice(&tsc.wrapping_add(ticks).to_le_bytes());
                }
            }
            CPU_XSAVE | HVM_SAVE_CODE_END => loaded.extend_from_slice(whole),
            _ => {}
        }
    }
    Ok(loaded)
}

/// Why a context cannot be loaded anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Its guest has more than its boot CPU up.
    HasRun,
    /// It is not what Xen saves.
    Broken(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(code: u16, instance: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        [&code.to_le_bytes()[..], &instance.to_le_bytes(), &length.to_le_bytes(), body].concat()
    }

    fn cpu(instance: u16) -> Vec<u8> {
        record(HVM_SAVE_CODE_CPU, instance, &vec![7; size_of::<hvm_hw_cpu>()])
    }

    fn context(parts: &[Vec<u8>]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn header_boot_cpu_and_end_are_taken_and_the_tsc_is_0() {
        let header = record(HVM_SAVE_CODE_HEADER, 0, &[1; 24]);
        let end = record(HVM_SAVE_CODE_END, 0, &[]);
        let rtc = record(11, 0, &[2; 24]);
        let loaded = restarted(&context(&[header.clone(), rtc.clone(), cpu(0), rtc, end.clone()]));
        let mut expected = cpu(0);
        expected[HEAD + TSC..HEAD + TSC + 8].fill(0);
        assert_eq!(loaded, Ok(context(&[header, expected, end])));
    }

    #[test]
    fn what_follows_the_end_is_not_looked_at() {
        let header = record(HVM_SAVE_CODE_HEADER, 0, &[1; 24]);
        let end = record(HVM_SAVE_CODE_END, 0, &[]);
        assert!(restarted(&context(&[header, cpu(0), end, cpu(1), vec![0xff; 3]])).is_ok());
    }

    #[test]
    fn a_second_cpu_has_run() {
        let end = record(HVM_SAVE_CODE_END, 0, &[]);
        let header = record(HVM_SAVE_CODE_HEADER, 0, &[1; 24]);
        assert_eq!(restarted(&context(&[header, cpu(0), cpu(1), end])), Err(Unfit::HasRun));
    }

    #[test]
    fn what_is_no_context_is_told() {
        let end = record(HVM_SAVE_CODE_END, 0, &[]);
        let header = record(HVM_SAVE_CODE_HEADER, 0, &[1; 24]);
        let short = record(HVM_SAVE_CODE_CPU, 0, &[0; 16]);
        let mut long = record(11, 0, &[]);
        long[4] = 200;
        for (bytes, word) in [
            (vec![], "stops before"),
            (vec![1; 7], "stops before"),
            (header.clone(), "stops before"),
            (context(&[header.clone(), end.clone()]), "no CPU"),
            (context(&[cpu(0), end.clone()]), "no header"),
            (context(&[header.clone(), short, end.clone()]), "no TSC"),
            (context(&[header, long, end]), "200 bytes long"),
        ] {
            match restarted(&bytes) {
                Err(Unfit::Broken(why)) => assert!(why.contains(word), "{why}"),
                other => panic!("{other:?}"),
            }
        }
    }

    fn cpu_at(instance: u16, tsc: u64) -> Vec<u8> {
        let mut cpu = cpu(instance);
        cpu[HEAD + TSC..HEAD + TSC + 8].copy_from_slice(&tsc.to_le_bytes());
        cpu
    }

    fn header_at(khz: u32) -> Vec<u8> {
        let mut header = record(HVM_SAVE_CODE_HEADER, 0, &[1; size_of::<hvm_save_header>()]);
        header[HEAD + KHZ..HEAD + KHZ + 4].copy_from_slice(&khz.to_le_bytes());
        header
    }

    #[test]
    fn all_of_each_cpu_goes_on_at_the_new_frequency() {
        let end = record(HVM_SAVE_CODE_END, 0, &[]);
        let (rtc, extended) = (record(11, 0, &[2; 24]), |cpu| record(CPU_XSAVE, cpu, &[cpu as u8; 100]));
        let from = [
            header_at(2_600_000),
            cpu_at(0, 5),
            cpu_at(1, u64::MAX),
            rtc,
            extended(0),
            extended(1),
            end.clone(),
        ];
        let from = context(&from);
        assert_eq!(told_khz(&from), Ok(2_600_000));
        assert_eq!(cpus(&from), Ok(vec![(0, 5), (1, u64::MAX)]));
        let expected = [header_at(2_600_001), cpu_at(0, 8), cpu_at(1, 2), extended(0), extended(1), end];
        assert_eq!(at_frequency(&from, 2_600_001, 3), Ok(context(&expected)));
    }

    #[test]
    fn what_has_no_cpu_or_no_header_cannot_go_on() {
        let end = record(HVM_SAVE_CODE_END, 0, &[]);
        let short = record(HVM_SAVE_CODE_CPU, 0, &[0; 16]);
        for parts in [vec![header_at(1), end.clone()], vec![header_at(1), cpu(0), short, end], vec![]] {
            assert!(at_frequency(&context(&parts), 1, 0).is_err());
        }
        assert!(told_khz(&[]).is_err() && cpus(&[1; 30]).is_err());
    }
}
