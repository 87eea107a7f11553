//! The memory of whoever makes a hypercall: this process, or another one that runs on the same model.

use std::mem::{MaybeUninit, size_of, size_of_val};
use std::slice;

use crate::Errno;

/// Values that are whole whatever their bytes are.
///
/// # Safety
/// Any bytes must make a value of the type, and it must hold no reference.
pub unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($type:ty),* $(,)?) => {
        // SAFETY: integers, and structures of C that are made of integers, arrays, unions and raw pointers.
        $(unsafe impl Plain for $type {})*
    };
}

plain![
    u8,
    u16,
    u32,
    u64,
    xen_sys::sched_remote_shutdown,
    xen_sys::xen_add_to_physmap,
    xen_sys::xen_domctl,
    xen_sys::xen_domctl_getdomaininfo,
    xen_sys::xen_foreign_memory_map,
    xen_sys::xen_memory_map,
    xen_sys::xen_hvm_param,
    xen_sys::xen_machphys_mfn_list,
    xen_sys::xen_memory_reservation,
    xen_sys::xen_remove_from_physmap,
    xen_sys::xen_sysctl,
    xen_sys::xen_sysctl_cputopo,
    xen_sys::xen_sysctl_meminfo,
];

/// An address space.
#[derive(Clone, Copy, Debug)]
pub enum Caller {
    /// This process.
    Here,
    /// The process of this number.
    There(libc::pid_t),
}

impl Caller {
    /// So many bytes from this address.
    pub fn bytes(self, at: u64, length: usize) -> Result<Vec<u8>, Errno> {
        let mut bytes = vec![0; length];
        self.read_into(at, &mut bytes)?;
        Ok(bytes)
    }

    /// The value at this address.
    pub fn read<T: Plain>(self, at: u64) -> Result<T, Errno> {
        let mut value = MaybeUninit::<T>::zeroed();
        // SAFETY: as many bytes as the value has, and all of them are 0.
        let bytes = unsafe { slice::from_raw_parts_mut(value.as_mut_ptr().cast::<u8>(), size_of::<T>()) };
        self.read_into(at, bytes)?;
        // SAFETY: any bytes make a value.
        Ok(unsafe { value.assume_init() })
    }

    /// So many values from this address.
    pub fn list<T: Plain>(self, at: u64, count: usize) -> Result<Vec<T>, Errno> {
        let bytes = self.bytes(at, count * size_of::<T>())?;
        let values = bytes.chunks_exact(size_of::<T>()).map(|bytes| {
            // SAFETY: any bytes make a value, and there are as many as it has.
            unsafe { bytes.as_ptr().cast::<T>().read_unaligned() }
        });
        Ok(values.collect())
    }

    /// Writes a value.
    pub fn write<T: Plain>(self, at: u64, value: &T) -> Result<(), Errno> {
        self.write_list(at, slice::from_ref(value))
    }

    /// Writes values that follow each other.
    pub fn write_list<T: Plain>(self, at: u64, values: &[T]) -> Result<(), Errno> {
        // SAFETY: the bytes of values that live; C has filled their padding or zeroed it, and none of it is kept.
        let bytes = unsafe { slice::from_raw_parts(values.as_ptr().cast::<u8>(), size_of_val(values)) };
        self.write_bytes(at, bytes)
    }

    fn read_into(self, at: u64, bytes: &mut [u8]) -> Result<(), Errno> {
        if bytes.is_empty() {
            return Ok(());
        }
        if at == 0 {
            return Err(libc::EFAULT);
        }
        match self {
            Caller::Here => {
                // SAFETY: the C library that calls has said that there are so many bytes, as it would to the
                // hypervisor. valgrind sees where that is wrong.
                unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(at as *const u8, bytes.len()) };
                Ok(())
            }
            Caller::There(pid) => {
                let (mine, theirs) =
                    (vector(bytes.as_mut_ptr() as u64, bytes.len()), vector(at, bytes.len()));
                // SAFETY: the local vector is of `bytes`; the kernel checks the other.
                let moved = unsafe { libc::process_vm_readv(pid, &mine, 1, &theirs, 1, 0) };
                all_moved(moved, bytes.len())
            }
        }
    }

    /// Writes these bytes.
    pub fn write_bytes(self, at: u64, bytes: &[u8]) -> Result<(), Errno> {
        if bytes.is_empty() {
            return Ok(());
        }
        if at == 0 {
            return Err(libc::EFAULT);
        }
        match self {
            Caller::Here => {
                // SAFETY: as in `read_into`.
                unsafe { (at as *mut u8).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
                Ok(())
            }
            Caller::There(pid) => {
                let (mine, theirs) = (vector(bytes.as_ptr() as u64, bytes.len()), vector(at, bytes.len()));
                // SAFETY: the local vector is of `bytes`, which is only read; the kernel checks the other.
                let moved = unsafe { libc::process_vm_writev(pid, &mine, 1, &theirs, 1, 0) };
                all_moved(moved, bytes.len())
            }
        }
    }
}

fn vector(at: u64, length: usize) -> libc::iovec {
    libc::iovec { iov_base: at as *mut libc::c_void, iov_len: length }
}

fn all_moved(moved: isize, wanted: usize) -> Result<(), Errno> {
    if usize::try_from(moved) == Ok(wanted) { Ok(()) } else { Err(libc::EFAULT) }
}
