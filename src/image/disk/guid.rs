//! Identifiers, and types of partitions that are identifiers.

use std::fmt;
use std::str::FromStr;

use super::super::error::Error;

/// A GUID: 16 bytes in the order in which it is written out, as [`Tree::identifier`](crate::image::Tree::identifier) gives
/// them. Disks have the first three groups the other way around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// Type: EFI system partition.
    pub const EFI_SYSTEM: Self = Self(0xc12a7328_f81f_11d2_ba4b_00a0c93ec93b_u128.to_be_bytes());
    /// Type: what a boot loader for BIOS puts behind its first sector.
    pub const BIOS_BOOT: Self = Self(0x21686148_6449_6e6f_744e_656564454649_u128.to_be_bytes());
    /// Type: data of Linux.
    pub const LINUX_DATA: Self = Self(0x0fc63daf_8483_4772_8e79_3d69d8477de4_u128.to_be_bytes());
    /// Type: root of Linux on x86-64.
    pub const LINUX_ROOT_X86_64: Self = Self(0x4f68bce3_e8cd_4db1_96e7_fbcaf984b709_u128.to_be_bytes());
    /// Type: root of Linux on 64-bit Arm.
    pub const LINUX_ROOT_ARM64: Self = Self(0xb921b045_1df0_41c3_af44_4c6f280d3fae_u128.to_be_bytes());
    /// Type: swap of Linux.
    pub const LINUX_SWAP: Self = Self(0x0657fd6d_a4ab_43c4_84e5_0933c84b4f4f_u128.to_be_bytes());
    /// Type: boot loader's files, as the Boot Loader Specification has it.
    pub const LINUX_EXTENDED_BOOT: Self = Self(0xbc13c2ff_59e6_4262_a352_b275fd6f7172_u128.to_be_bytes());
    /// Type: data of others, FAT for example.
    pub const BASIC_DATA: Self = Self(0xebd0a0a2_b9e5_4433_87c0_68b6b72699c7_u128.to_be_bytes());

    /// As it lies on a disk.
    pub(super) fn on_disk(&self) -> [u8; 16] {
        let mut bytes = self.0;
        bytes[..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
        bytes
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            f.write_str(if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" })?;
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for Guid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = Error::Option {
            option: "GUID",
            reason: "a GUID has 8, 4, 4, 4 and 12 hexadecimal digits with `-` between",
        };
        let groups: Vec<&str> = text.split('-').collect();
        let plain = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
        let digits = groups.concat();
        if !plain || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        u128::from_str_radix(&digits, 16).map(|value| Self(value.to_be_bytes())).map_err(|_| wrong)
    }
}
