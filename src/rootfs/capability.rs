//! Capabilities of files: from the words of capabilities(7) to the attribute `security.capability` of the kernel.

/// Name of the attribute.
pub(super) const ATTRIBUTE: &str = "security.capability";

/// Names by number: include/uapi/linux/capability.h.
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];
/// `VFS_CAP_REVISION_2`: two words each of permitted and inheritable bits.
const REVISION: u32 = 0x0200_0000;
/// `VFS_CAP_FLAGS_EFFECTIVE`.
const EFFECTIVE: u32 = 1;

/// The attribute's bytes for words such as `cap_net_raw,cap_net_admin+ep`.
///
/// # Errors
/// It is none; the reason.
pub(super) fn encode(text: &str) -> Result<Vec<u8>, String> {
    let (names, flags) = text.split_once(['+', '=']).ok_or("capabilities are NAME[,NAME]+FLAGS, as cap_net_raw+ep")?;
    let mut bits = 0u64;
    for name in names.split(',') {
        let number = name.strip_prefix("cap_").and_then(|name| NAMES.iter().position(|known| *known == name));
        bits |= 1 << number.ok_or_else(|| format!("there is no capability `{name}`"))?;
    }
    if flags.is_empty() || flags.chars().any(|flag| !"eip".contains(flag)) {
        return Err(format!("`{flags}` is no set of the flags e, i and p"));
    }
    let set = |flag: char| if flags.contains(flag) { bits } else { 0 };
    let (permitted, inheritable) = (set('p'), set('i'));
    // The effective set is one bit for the whole file: without another set it would mean nothing.
    if flags.contains('e') && permitted == 0 && inheritable == 0 {
        return Err("e means nothing without i or p".to_owned());
    }
    let head = REVISION | if flags.contains('e') { EFFECTIVE } else { 0 };
    let halves = |bits: u64| [bits as u32, (bits >> 32) as u32];
    let ([permitted, permitted_high], [inheritable, inheritable_high]) = (halves(permitted), halves(inheritable));
    let words = [head, permitted, inheritable, permitted_high, inheritable_high];
    Ok(words.into_iter().flat_map(u32::to_le_bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_setcap_writes_them() {
        let hex =
            |text: &str| encode(text).map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        // What setcap(8) leaves, as getfattr(1) shows it.
        assert_eq!(hex("cap_net_raw+ep").as_deref(), Ok("0100000200200000000000000000000000000000"));
        assert_eq!(
            hex("cap_chown,cap_checkpoint_restore=i").as_deref(),
            Ok("0000000200000000010000000000000000010000")
        );
        assert_eq!(hex("cap_net_bind_service+eip").as_deref(), Ok("0100000200040000000400000000000000000000"));
        for (text, reason) in [
            ("cap_net_raw", "capabilities are NAME[,NAME]+FLAGS, as cap_net_raw+ep"),
            ("net_raw+ep", "there is no capability `net_raw`"),
            ("cap_net_raw+epx", "`epx` is no set of the flags e, i and p"),
            ("cap_net_raw+", "`` is no set of the flags e, i and p"),
            ("cap_net_raw+e", "e means nothing without i or p"),
        ] {
            assert_eq!(hex(text), Err(reason.to_owned()), "{text}");
        }
    }
}
