//! The mounts that a sandbox is made of, as its first process makes them. The rules of [`super::child`] hold here, too.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, Timespec, Timestamps};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags};

use super::child::{EPOCH, Inside, send};
use super::compile::Node;
use super::fault::{At, Call, Fault, Message};
use crate::sys::mount;

const PLAIN: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);
const READ_ONLY: MountAttrFlags = PLAIN.union(MountAttrFlags::MOUNT_ATTR_RDONLY);

fn set_option(context: BorrowedFd<'_>, name: &CStr, value: &CStr, call: Call, index: usize) -> Result<(), Fault> {
    rustix::mount::fsconfig_set_string(context, name, value)
        .at_index(call, index)
        .map_err(|fault| fault.with_note_from(context))
}

fn create(context: BorrowedFd<'_>, attributes: MountAttrFlags) -> Result<OwnedFd, Fault> {
    rustix::mount::fsconfig_create(context).at(Call::Create).map_err(|fault| fault.with_note_from(context))?;
    rustix::mount::fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, attributes).at(Call::Mount)
}

pub(super) fn make_directory(at: BorrowedFd<'_>, name: &CStr, mode: u32) -> Result<(), Fault> {
    rustix::fs::mkdirat(at, name, Mode::from_raw_mode(mode)).at(Call::MakeDirectory)
}

pub(super) fn set_times(at: BorrowedFd<'_>, name: &CStr) -> Result<(), Fault> {
    let time = Timespec { tv_sec: EPOCH, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(at, name, &times, AtFlags::SYMLINK_NOFOLLOW).at(Call::SetTimes)
}

/// One tmpfs for all that the program writes. It is mounted over the host's `/proc`, which always exists, is never a
/// parent of a lower directory and is no longer needed; it goes with the old root.
pub(super) fn scratch(size: &CStr, inodes: &CStr, inside: &mut Inside) -> Result<(), Fault> {
    let context = rustix::mount::fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).at(Call::FsOpen)?;
    for (index, (name, value)) in [(c"size", size), (c"nr_inodes", inodes), (c"mode", c"0755")].into_iter().enumerate()
    {
        set_option(context.as_fd(), name, value, Call::Option, index)?;
    }
    let made = create(context.as_fd(), PLAIN)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(&made, c"", CWD, c"/proc", flags).at(Call::Attach)?;
    make_directory(made.as_fd(), c"empty", 0o755)?;
    inside.scratch = Some(made);
    Ok(())
}

/// As [`scratch`], but on the disk: the caller removes what is left there.
pub(super) fn scratch_folder(path: &CStr, inside: &mut Inside) -> Result<(), Fault> {
    let made = clone_mount(CWD, path, Call::Mount)?;
    mount::set_attributes(&made, PLAIN, false).at(Call::Mount)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(&made, c"", CWD, c"/proc", flags).at(Call::Attach)?;
    make_directory(made.as_fd(), c"empty", 0o755)?;
    inside.scratch = Some(made);
    Ok(())
}

/// An overlay file system (Documentation/filesystems/overlayfs.rst), not yet attached.
///
/// Lower directories are given as `.` after changing into each: a value of fsconfig(2) holds at most 255 bytes, and the
/// given text is what `/proc/self/mountinfo` shows inside, where paths of the host have no business. `userxattr` is
/// what works in a user namespace; without it directories cannot be made opaque there.
pub(super) fn overlay(
    scratch: BorrowedFd<'_>,
    lower: &[std::ffi::CString],
    upper: Option<(&CStr, &CStr)>,
) -> Result<OwnedFd, Fault> {
    let context = rustix::mount::fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC).at(Call::FsOpen)?;
    let fd = context.as_fd();
    rustix::mount::fsconfig_set_flag(fd, c"userxattr").at(Call::Option).map_err(|f| f.with_note_from(fd))?;
    for (index, path) in lower.iter().enumerate() {
        rustix::process::chdir(path.as_c_str()).at_index(Call::Lower, index)?;
        set_option(fd, c"lowerdir+", c".", Call::Lower, index)?;
    }
    if let Some((upper, work)) = upper {
        rustix::process::fchdir(scratch).at(Call::Upper)?;
        set_option(fd, c"upperdir", upper, Call::Upper, 0)?;
        set_option(fd, c"workdir", work, Call::Upper, 1)?;
        return create(fd, PLAIN);
    }
    if lower.len() == 1 {
        // Without an upper layer the kernel wants two lower ones.
        let empty = rustix::fs::openat(scratch, c"empty", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        rustix::process::fchdir(empty.at(Call::Empty)?).at(Call::Empty)?;
        set_option(fd, c"lowerdir+", c".", Call::Empty, 0)?;
    }
    create(fd, READ_ONLY)
}

pub(super) fn root(
    lower: &[std::ffi::CString],
    points: &[std::ffi::CString],
    inside: &mut Inside,
) -> Result<(), Fault> {
    let scratch = inside.scratch()?;
    make_directory(scratch, c"root", 0o755)?;
    make_directory(scratch, c"work", 0o755)?;
    make_directory(scratch, c"upper", 0o755)?;
    // In the upper directory itself, before it is mounted: it is empty, so no symbolic link of a lower layer can lead
    // elsewhere, and what a lower layer has instead of a directory is covered.
    let upper = open_directory(scratch, c"upper")?;
    for (index, point) in points.iter().enumerate() {
        make_directory(upper.as_fd(), point, 0o755).map_err(|fault| fault.of(index))?;
    }
    for point in points.iter().rev() {
        set_times(upper.as_fd(), point)?;
    }
    set_times(scratch, c"upper")?;
    let made = overlay(scratch, lower, Some((c"upper", c"work")))?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(&made, c"", scratch, c"root", flags).at(Call::Attach)?;
    inside.root = Some(made);
    Ok(())
}

fn open_directory(at: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Fault> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(at, name, flags, Mode::empty()).at(Call::OpenPoint)
}

pub(super) fn clone_mount(at: BorrowedFd<'_>, name: &CStr, call: Call) -> Result<OwnedFd, Fault> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
    rustix::mount::open_tree(at, name, flags).at(call)
}

/// Attaches a mount at a path below the root, by descriptor and without following anything on the way.
pub(super) fn attach(root: BorrowedFd<'_>, made: BorrowedFd<'_>, at: &CStr) -> Result<(), Fault> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let point = rustix::fs::openat2(root, at, flags, Mode::empty(), within).at(Call::OpenPoint)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(made, c"", &point, c"", flags).at(Call::Attach)
}

pub(super) fn devices(nodes: &[Node], terminal: bool, random: Option<&[u8]>, inside: &Inside) -> Result<(), Fault> {
    let scratch = inside.scratch()?;
    make_directory(scratch, c"dev", 0o755)?;
    let dev = open_directory(scratch, c"dev")?;
    make_directory(dev.as_fd(), c"shm", 0o1777)?;
    set_times(dev.as_fd(), c"shm")?;
    let links = [
        (c"/proc/self/fd", c"fd"),
        (c"/proc/self/fd/0", c"stdin"),
        (c"/proc/self/fd/1", c"stdout"),
        (c"/proc/self/fd/2", c"stderr"),
        (c"pts/ptmx", c"ptmx"),
    ];
    for (target, name) in &links[..if terminal { 5 } else { 4 }] {
        rustix::fs::symlinkat(*target, &dev, *name).at(Call::MakeEntry)?;
        set_times(dev.as_fd(), name)?;
    }
    if terminal {
        make_directory(dev.as_fd(), c"pts", 0o755)?;
    }
    for node in nodes {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        rustix::fs::openat(&dev, node.name.as_c_str(), flags, Mode::from_raw_mode(0o444)).at(Call::MakeEntry)?;
    }
    if let Some(bytes) = random {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&dev, c"random", flags, Mode::from_raw_mode(0o444)).at(Call::MakeEntry)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = rustix::io::write(&file, rest).at(Call::MakeEntry)?;
            rest = rest.get(written..).unwrap_or_default();
        }
        set_times(dev.as_fd(), c"random")?;
        rustix::fs::linkat(&dev, c"random", &dev, c"urandom", AtFlags::empty()).at(Call::MakeEntry)?;
    }
    set_times(scratch, c"dev")?;
    let made = clone_mount(scratch, c"dev", Call::Mount)?;
    mount::set_attributes(&made, READ_ONLY, false).at(Call::ReadOnly)?;
    attach(inside.root()?, made.as_fd(), c"dev")?;
    let dev = open_below(inside.root()?, c"dev")?;
    for (index, node) in nodes.iter().enumerate() {
        let bound = clone_mount(CWD, &node.host, Call::OpenNode).map_err(|fault| fault.of(index))?;
        let found = rustix::fs::statat(&bound, c"", AtFlags::EMPTY_PATH).at_index(Call::OpenNode, index)?;
        let character = rustix::fs::FileType::from_raw_mode(found.st_mode) == rustix::fs::FileType::CharacterDevice;
        let number = (rustix::fs::major(found.st_rdev), rustix::fs::minor(found.st_rdev));
        if !character || number != node.number {
            // A host whose /dev/null has become a file, say.
            return Err(Fault::new(Call::WrongNode, index, Errno::NODEV));
        }
        attach(dev.as_fd(), bound.as_fd(), &node.name)?;
    }
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    mount::set_attributes(&dev, attributes, true).at(Call::ReadOnly)?;
    if terminal {
        let context = rustix::mount::fsopen(c"devpts", FsOpenFlags::FSOPEN_CLOEXEC).at(Call::FsOpen)?;
        set_option(context.as_fd(), c"ptmxmode", c"0666", Call::Option, 0)?;
        set_option(context.as_fd(), c"mode", c"0620", Call::Option, 1)?;
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let made = create(context.as_fd(), attributes)?;
        attach(dev.as_fd(), made.as_fd(), c"pts")?;
    }
    Ok(())
}

fn open_below(root: BorrowedFd<'_>, at: &CStr) -> Result<OwnedFd, Fault> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(root, at, flags, Mode::empty(), within).at(Call::OpenPoint)
}

pub(super) fn proc(inside: &Inside) -> Result<(), Fault> {
    let context = rustix::mount::fsopen(c"proc", FsOpenFlags::FSOPEN_CLOEXEC).at(Call::FsOpen)?;
    // Not `invisible`: that makes an exception for members of the file system's group, which is 0 and may be the
    // caller's.
    set_option(context.as_fd(), c"hidepid", c"ptraceable", Call::Option, 0)?;
    set_option(context.as_fd(), c"subset", c"pid", Call::Option, 1)?;
    let made = create(context.as_fd(), READ_ONLY | MountAttrFlags::MOUNT_ATTR_NOEXEC)?;
    attach(inside.root()?, made.as_fd(), c"proc")
}

/// Swaps the roots in place, lets go of the old one, and hands the caller the directories that it will want to read.
pub(super) fn pivot(terminal: bool, inside: &mut Inside) -> Result<(), Fault> {
    rustix::process::fchdir(inside.root()?).at(Call::PivotRoot)?;
    rustix::process::pivot_root(c".", c".").at(Call::PivotRoot)?;
    rustix::mount::unmount(c".", UnmountFlags::DETACH).at(Call::Detach)?;
    rustix::process::chdir(c"/").at(Call::ChangeDirectory)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let out = rustix::fs::open(c"/out", flags, Mode::empty()).at_index(Call::OpenResult, 0)?;
    let build = rustix::fs::open(c"/build", flags, Mode::empty()).at_index(Call::OpenResult, 1)?;
    let sent = if terminal {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let master = rustix::fs::open(c"/dev/pts/ptmx", flags, Mode::empty()).at(Call::OpenTerminal)?;
        rustix::pty::unlockpt(&master).at(Call::OpenTerminal)?;
        let sent = send(&Message::Ready, &[out.as_fd(), build.as_fd(), master.as_fd()]);
        inside.terminal = Some(master);
        sent
    } else {
        send(&Message::Ready, &[out.as_fd(), build.as_fd()])
    };
    if sent { Ok(()) } else { Err(Fault::new(Call::Send, 0, Errno::PIPE)) }
}
