//! An HVM context as Xen saves it: records one after the other, each behind a head of 8 bytes, ended by an empty one.

use std::mem::{offset_of, size_of};

use xen_sys::{HVM_SAVE_CODE_CPU, HVM_SAVE_CODE_END, HVM_SAVE_CODE_HEADER, hvm_hw_cpu, hvm_save_descriptor};

/// The type, the instance and the length of what follows.
const HEAD: usize = size_of::<hvm_save_descriptor>();

/// Where a virtual CPU's record has its TSC.
const TSC: usize = offset_of!(hvm_hw_cpu, tsc);

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
            return Err(format!("record {code} is {length} bytes long, and {} are left", body.len()));
        }
        let (whole, after) = rest.split_at(HEAD + length);
        found.push(Record { code, instance, whole });
        if code == HVM_SAVE_CODE_END {
            return Ok(found);
        }
        rest = after;
    }
}

/// What to load so that the boot CPU starts anew with its TSC at 0: the header with the frequency in force, and that
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
}
