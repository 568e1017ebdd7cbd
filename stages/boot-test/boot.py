"""Boots the images in qemu and reads what the system says about itself on its serial console.

    boot.py IMAGES RESULT

The processor is emulated in software (TCG): a machine's /dev/kvm may be missing, forbidden or broken, and a result must
not depend on it. The console goes to stdout as it comes; RESULT holds only the lines of the self-check, which are the
same at every good run. Status 0: all boots came up, passed all checks and switched the machine off themselves.
"""

import os
import re
import selectors
import subprocess
import sys
import time

# Generous: on a loaded machine an emulated boot takes ten times what it takes on an idle one.
SECONDS_PER_BOOT = 300
FIRMWARE = "/usr/share/OVMF"

CHECK = re.compile(r"CHECK ([a-z-]+) (ok|FAIL.*)")
VERDICT = re.compile(r"SELF-CHECK (PASSED|FAILED) (\d+) of (\d+)")
# Linux's last words when it has told the firmware to switch off; -no-reboot makes qemu end after a reset as well.
OFF = "reboot: Power down"
# No console output ever makes a boot good, but these end the waiting for a bad one.
FATAL = re.compile(r"Kernel panic - not syncing|No bootable option or device|Shell>|PXE-E\d\d")
# Terminal control sequences (ECMA-48), which firmware writes plenty of.
CONTROL = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])|[\x00-\x08\x0b-\x1f\x7f]")

# `-nodefaults`: no device that is not named here. tb-size: else qemu sizes its cache by the machine's memory.
# `-cpu max` has the instruction that seeds the random generator.
COMMON = [
    "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
    "-machine", "q35,usb=off", "-accel", "tcg,thread=single,tb-size=128", "-cpu", "max", "-smp", "1",
    "-serial", "stdio", "-rtc", "base=2000-01-01",
    "-device", "virtio-rng-pci",
]


def network(card):
    # User-mode network: DHCP and the gateway are in qemu, nothing leaves this process.
    return ["-netdev", "user,id=net", "-device", f"{card},netdev=net,romfile="]


def efi(name):
    # A copy of the variables that the firmware may write to; its code is shared.
    variables = f"/build/{name}.vars"
    with open(f"{FIRMWARE}/OVMF_VARS_4M.fd", "rb") as fresh, open(variables, "wb") as copy:
        copy.write(fresh.read())
    return [
        "-m", "256", "-fw_cfg", "name=opt/repro/selfcheck,string=1",
        "-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE}/OVMF_CODE_4M.fd",
        "-drive", f"if=pflash,format=raw,file={variables}",
    ]


# SeaBIOS, qemu's own default.
BIOS = ["-m", "128", "-fw_cfg", "name=opt/repro/selfcheck,string=1"]


def disc(images):
    return [
        "-drive", f"if=none,id=iso,format=raw,media=cdrom,readonly=on,file={images}/image.iso",
        "-device", "ide-cd,drive=iso,bootindex=1",
    ]


def boots(images):
    """(name, qemu's arguments): each card, disk and way in is used at least once."""
    yield "direct", [
        "-m", "64", "-kernel", f"{images}/kernel", "-initrd", f"{images}/initramfs.img",
        "-append", "repro.selfcheck", *network("virtio-net-pci"),
    ]
    yield "disk", [
        *efi("disk"), *network("e1000"),
        "-drive", f"if=none,id=disk,format=raw,readonly=on,file={images}/disk.img",
        "-device", "virtio-blk-pci,drive=disk,bootindex=1",
    ]
    yield "iso", [
        *efi("iso"), *network("virtio-net-pci"), *disc(images),
    ]
    yield "disk-bios", [
        *BIOS, *network("virtio-net-pci"),
        "-drive", f"if=none,id=disk,format=raw,readonly=on,file={images}/disk.img",
        "-device", "virtio-blk-pci,drive=disk,bootindex=1",
    ]
    yield "iso-bios", [
        *BIOS, *network("e1000"), *disc(images),
    ]
    # The same bytes on a stick: the ISO as a disk.
    yield "stick-bios", [
        *BIOS, *network("virtio-net-pci"),
        "-drive", f"if=none,id=stick,format=raw,readonly=on,file={images}/image.iso",
        "-device", "virtio-blk-pci,drive=stick,bootindex=1",
    ]
    # Each file system as the root, read by the kernel itself.
    for kind in ("ext4", "squashfs"):
        yield kind, [
            "-m", "64", "-kernel", f"{images}/kernel",
            "-append", f"repro.selfcheck root=/dev/vda rootfstype={kind} ro init=/sbin/init",
            *network("virtio-net-pci"),
            "-drive", f"if=none,id=root,format=raw,readonly=on,file={images}/root.{kind}",
            "-device", "virtio-blk-pci,drive=root",
        ]


def console(process, seconds):
    """The console's lines, without control sequences. Ends with the process, or raises TimeoutError."""
    # The monotonic clock only decides when to give up; nothing of it is kept.
    deadline = time.monotonic() + seconds
    selector = selectors.DefaultSelector()
    selector.register(process.stdout, selectors.EVENT_READ)
    rest = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not selector.select(left):
            raise TimeoutError
        data = os.read(process.stdout.fileno(), 65536)
        *lines, rest = (rest + data).split(b"\n")
        if not data and rest:
            lines, rest = [rest], b""
        for line in lines:
            yield CONTROL.sub("", line.decode("utf-8", "replace")).rstrip()
        if not data:
            return


def boot(name, arguments):
    """(lines of the self-check, why it failed or None)."""
    print(f"== {name}: {' '.join(COMMON + arguments)}", flush=True)
    checks, recent, verdict, off, problem = [], [], None, False, None
    process = subprocess.Popen(COMMON + arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    try:
        for line in console(process, SECONDS_PER_BOOT):
            print(f"{name}| {line}", flush=True)
            recent = (recent + [line])[-20:] if line else recent
            if CHECK.fullmatch(line):
                checks.append(line)
            elif VERDICT.fullmatch(line):
                checks.append(line)
                verdict = VERDICT.fullmatch(line)
            elif line == OFF:
                off = verdict is not None
            elif FATAL.search(line):
                problem = f"it will not come up: {line}"
                break
    except TimeoutError:
        problem = f"no end after {SECONDS_PER_BOOT} s"
    finally:
        if problem:
            process.kill()
        status = process.wait()

    failed = [check for check in checks if CHECK.fullmatch(check) and not check.endswith(" ok")]
    passed = sum(check.endswith(" ok") for check in checks)
    if problem is None:
        if verdict is None:
            problem = "the machine went off before the self-check was over"
        elif failed:
            problem = f"{len(failed)} of {verdict[3]} checks failed: {'; '.join(failed)}"
        elif verdict[1] != "PASSED" or verdict[2] != verdict[3] or int(verdict[3]) != passed or passed == 0:
            problem = f"{passed} checks were seen, but the verdict is `{verdict[0]}`"
        elif not off:
            problem = "the machine was not switched off after the self-check"
        elif status != 0:
            problem = f"qemu ended with status {status}"
    if problem:
        print(f"\nboot-test: {name}: {problem}; the last lines of the console:", file=sys.stderr)
        for line in recent:
            print(f"    {line}", file=sys.stderr)
    return checks, problem


def main(images, result):
    good, text = True, []
    for name, arguments in boots(images):
        checks, problem = boot(name, arguments)
        good = good and problem is None
        text += [f"{name}: {line}\n" for line in checks]
        if problem is None:
            text.append(f"{name}: POWER-OFF ok\n")
        sys.stderr.flush()
    with open(result, "w", encoding="utf-8") as file:
        file.writelines(text)
    print("".join(text), end="")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
