//! A machine like any other.

use rustix::io::Errno;

/// Bytes of each name in `struct utsname` (linux/utsname.h), with its NUL.
const NAME: usize = 65;

/// `struct utsname` of this machine with another release and version of the kernel.
pub(super) fn uname(release: &str) -> Result<Vec<u8>, Errno> {
    let real = rustix::system::uname();
    let names = [
        real.sysname().to_bytes(),
        real.nodename().to_bytes(),
        release.as_bytes(),
        b"#1 repro".as_slice(),
        real.machine().to_bytes(),
        real.domainname().to_bytes(),
    ];
    let mut out = vec![0; NAME * names.len()];
    for (field, name) in out.chunks_mut(NAME).zip(names) {
        field.get_mut(..name.len()).ok_or(Errno::NAMETOOLONG)?.copy_from_slice(name);
        field[NAME - 1] = 0;
    }
    Ok(out)
}

/// `struct sysinfo`: up for a minute, idle, with 4 GiB of memory of which 2 are free, no swap, one process.
pub(super) fn sysinfo() -> Vec<u8> {
    let words: [u64; 14] = [60, 0, 0, 0, 4 << 30, 2 << 30, 0, 0, 0, 0, 1, 0, 0, 1];
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// The mask of so many processors.
pub(super) fn affinity(count: u32) -> [u8; 8] {
    let all = if count >= 64 { u64::MAX } else { (1 << count.max(1)) - 1 };
    all.to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!(sysinfo().len(), size_of::<libc::sysinfo>());
        let names = uname("9.9").expect("it fits");
        assert_eq!(names.len(), size_of::<libc::utsname>());
        assert_eq!(&names[2 * NAME..2 * NAME + 4], b"9.9\0");
        assert!(uname(&"9".repeat(66)).is_err());
        assert_eq!(affinity(2), 3u64.to_ne_bytes());
        assert_eq!(affinity(64), [0xff; 8]);
    }
}
