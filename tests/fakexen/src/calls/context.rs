//! The HVM context: the save records of a guest's CPU and devices. Those with a clock in them are the model's.

use std::mem::size_of;

use chrono::{Datelike, NaiveDateTime, Timelike};
use timers::GuestKind;
use xen_sys::{
    HVM_SAVE_CODE_CPU, HVM_SAVE_CODE_END, HVM_SAVE_CODE_HEADER, HVM_SAVE_CODE_RTC, hvm_hw_cpu, hvm_hw_rtc,
    hvm_save_header, xen_domctl,
};
use xenclock::host::mock::machine::Context;
use xenclock::host::{DomId, RtcRecord};

use super::Answer;
use crate::Errno;
use crate::caller::Caller;
use crate::guest::RecordId;
use crate::world::{World, errno};

/// A local APIC: a build loads none, and a restore does. That is how they are told apart here.
const LAPIC: (u16, usize) = (5, 24);
/// The extended state of a CPU.
const CPU_XSAVE: u16 = 16;
/// Memory types, which libxenguest wants to find in a new PVH guest.
const MTRR: u16 = 14;

/// All records. Without a buffer, how long they are.
pub fn get(world: &mut World, caller: Caller, domid: DomId, op: &mut xen_domctl) -> Answer {
    // SAFETY: the command says that this part of the union counts.
    let given = unsafe { &mut op.u.hvmcontext };
    let mut bytes = Vec::new();
    for ((code, instance), body) in records(world, domid)? {
        append(&mut bytes, code, instance, &body);
    }
    append(&mut bytes, HVM_SAVE_CODE_END, 0, &[]);
    let at = given.buffer.p as u64;
    if at != 0 {
        if (given.size as usize) < bytes.len() {
            return Err(libc::ENOSPC);
        }
        caller.write_bytes(at, &bytes)?;
    }
    given.size = bytes.len() as u32;
    Ok(0)
}

/// One record, without its head.
pub fn get_one(world: &mut World, caller: Caller, domid: DomId, op: &mut xen_domctl) -> Answer {
    // SAFETY: the command says that this part of the union counts.
    let given = unsafe { &mut op.u.hvmcontext_partial };
    let wanted = (given.type_ as u16, given.instance as u16);
    let (_, body) = records(world, domid)?.into_iter().find(|(id, _)| *id == wanted).ok_or(libc::ENOENT)?;
    let at = given.buffer.p as u64;
    if at != 0 {
        if (given.bufsz as usize) < body.len() {
            return Err(libc::ENOSPC);
        }
        caller.write_bytes(at, &body)?;
    }
    given.bufsz = body.len() as _;
    Ok(0)
}

/// Loads records.
pub fn set(world: &mut World, caller: Caller, domid: DomId, op: &mut xen_domctl) -> Answer {
    // SAFETY: the command says that this part of the union counts.
    let given = unsafe { op.u.hvmcontext };
    translated(world, domid)?;
    let bytes = caller.bytes(given.buffer.p as u64, given.size as usize)?;
    let loaded = parse(&bytes)?;
    let header = loaded.first().filter(|((code, _), _)| *code == HVM_SAVE_CODE_HEADER).ok_or(libc::EINVAL)?;
    if word::<4>(&header.1, 0)? != xen_sys::HVM_FILE_MAGIC.to_ne_bytes() {
        return Err(libc::EINVAL);
    }
    let present = world.present();
    if loaded.iter().any(|((code, _), _)| *code == LAPIC.0) {
        world.machine.continue_saved(domid).map_err(errno)?;
    }
    let khz = u32::from_ne_bytes(word(&header.1, std::mem::offset_of!(hvm_save_header, gtsc_khz))?);
    let mut cpus = Vec::new();
    for ((code, instance), body) in &loaded {
        match *code {
            HVM_SAVE_CODE_CPU => {
                let tsc = u64::from_ne_bytes(word(body, std::mem::offset_of!(hvm_hw_cpu, tsc))?);
                cpus.push((u32::from(*instance), tsc));
            }
            HVM_SAVE_CODE_RTC => {
                let offset = i64::from_ne_bytes(word(body, std::mem::offset_of!(hvm_hw_rtc, rtc_offset))?);
                world.machine.load_rtc(domid, offset, &present).map_err(errno)?;
            }
            _ => {}
        }
    }
    world.machine.load_context(domid, &Context { khz, cpus }, &present).map_err(errno)?;
    let guest = world.guest_mut(domid)?;
    for (id, body) in loaded {
        if id.0 == HVM_SAVE_CODE_CPU {
            guest.records.remove(&(CPU_XSAVE, id.1));
        }
        guest.records.insert(id, body);
    }
    Ok(0)
}

/// PV guests have no such context, and dom0 none that it could read.
fn translated(world: &World, domid: DomId) -> Result<(), Errno> {
    world.domain(domid)?;
    if world.guest(domid)?.is_translated() { Ok(()) } else { Err(libc::EINVAL) }
}

type Record = (RecordId, Vec<u8>);

fn records(world: &World, domid: DomId) -> Result<Vec<Record>, Errno> {
    translated(world, domid)?;
    let guest = world.guest(domid)?;
    let present = world.present();
    let stored =
        |id: RecordId, length: usize| guest.records.get(&id).cloned().unwrap_or_else(|| vec![0; length]);

    let mut header = vec![0; size_of::<hvm_save_header>()];
    put(&mut header, std::mem::offset_of!(hvm_save_header, magic), &xen_sys::HVM_FILE_MAGIC.to_ne_bytes());
    put(
        &mut header,
        std::mem::offset_of!(hvm_save_header, version),
        &xen_sys::HVM_FILE_VERSION.to_ne_bytes(),
    );
    let context = world.machine.context(domid, &present).map_err(errno)?;
    put(&mut header, std::mem::offset_of!(hvm_save_header, gtsc_khz), &context.khz.to_ne_bytes());
    let mut records = vec![((HVM_SAVE_CODE_HEADER, 0), header)];
    for (cpu, tsc) in &context.cpus {
        let id = (HVM_SAVE_CODE_CPU, *cpu as u16);
        let mut cpu = stored(id, size_of::<hvm_hw_cpu>());
        put(&mut cpu, std::mem::offset_of!(hvm_hw_cpu, tsc), &tsc.to_ne_bytes());
        records.push((id, cpu));
    }
    records.push(((LAPIC.0, 0), stored((LAPIC.0, 0), LAPIC.1)));
    if guest.kind == GuestKind::Hvm {
        let record = world.machine.rtc_record(domid, &present).map_err(errno)?;
        records.push(((HVM_SAVE_CODE_RTC, 0), rtc(&record)));
    }
    for (cpu, _) in &context.cpus {
        // What AVX has in it; a CPU's record that is loaded without it takes it away.
        let id = (CPU_XSAVE, *cpu as u16);
        records.push((id, stored(id, 16)));
    }
    records.push(((MTRR, 0), stored((MTRR, 0), size_of::<xen_sys::hvm_hw_mtrr>())));
    Ok(records)
}

/// The CMOS registers, in the form that they have after a reset: BCD, 24 hours.
fn rtc(record: &RtcRecord) -> Vec<u8> {
    let mut bytes = vec![0; size_of::<hvm_hw_rtc>()];
    let shown: NaiveDateTime = record.cmos;
    let year = shown.year().rem_euclid(100).unsigned_abs();
    let weekday = shown.weekday().num_days_from_sunday() + 1;
    for (register, value) in [
        (0, shown.second()),
        (2, shown.minute()),
        (4, shown.hour()),
        (6, weekday),
        (7, shown.day()),
        (8, shown.month()),
        (9, year),
    ] {
        bytes[register] = (value / 10 * 16 + value % 10) as u8;
    }
    bytes[10] = 0x26;
    bytes[11] = 0x02;
    bytes[13] = 0x80;
    put(&mut bytes, std::mem::offset_of!(hvm_hw_rtc, rtc_offset), &record.offset.to_ne_bytes());
    bytes
}

fn append(bytes: &mut Vec<u8>, code: u16, instance: u16, body: &[u8]) {
    bytes.extend_from_slice(&code.to_ne_bytes());
    bytes.extend_from_slice(&instance.to_ne_bytes());
    bytes.extend_from_slice(&(body.len() as u32).to_ne_bytes());
    bytes.extend_from_slice(body);
}

fn parse(mut bytes: &[u8]) -> Result<Vec<Record>, Errno> {
    let mut records = Vec::new();
    loop {
        let code = u16::from_ne_bytes(word(bytes, 0)?);
        let instance = u16::from_ne_bytes(word(bytes, 2)?);
        let length = u32::from_ne_bytes(word(bytes, 4)?) as usize;
        let body = bytes.get(8..).and_then(|rest| rest.get(..length)).ok_or(libc::EINVAL)?;
        if code == HVM_SAVE_CODE_END {
            return Ok(records);
        }
        records.push(((code, instance), body.to_vec()));
        bytes = &bytes[8 + length..];
    }
}

fn word<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Errno> {
    bytes.get(at..at + N).and_then(|word| word.try_into().ok()).ok_or(libc::EINVAL)
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}
