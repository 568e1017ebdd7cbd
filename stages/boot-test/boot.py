"""Boots the images in qemu and reads what the system says about itself on its serial console.

    boot.py ARCHITECTURE PROFILE IMAGES CONTAINERS RESULT

The processor is emulated in software (TCG): a machine's /dev/kvm may be missing, forbidden or broken, and a result must
not depend on it. The console goes to stdout as it comes; RESULT holds only the lines of the self-check, which are the
same at every good run. CONTAINERS is a tree with stock container runtimes for that architecture. Status 0: all boots came
up, passed all checks and switched the machine off themselves.
"""

import os
import re
import selectors
import subprocess
import sys
import time

import containers
import machines
import peer

# Generous: on a loaded machine an emulated boot takes ten times what it takes on an idle one.
SECONDS_PER_BOOT = 600

CHECK = re.compile(r"CHECK ([a-z-]+) (ok|FAIL.*)")
VERDICT = re.compile(r"SELF-CHECK (PASSED|FAILED) (\d+) of (\d+)")
# Linux's last words when it has told the firmware to switch off; -no-reboot makes qemu end after a reset as well.
OFF = "reboot: Power down"
# No console output ever makes a boot good, but these end the waiting for a bad one.
FATAL = re.compile(r"Kernel panic - not syncing|No bootable option or device|Shell>|PXE-E\d\d")
# What an emulated machine says that did not get its share of a processor while the kernel looked at its timers: nothing of
# the image has run by then, and the boot begins again.
STARVED = re.compile(r"IO-APIC \+ timer doesn't work")
ATTEMPTS = 4
# Terminal control sequences (ECMA-48), which firmware writes plenty of.
CONTROL = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])|[\x00-\x08\x0b-\x1f\x7f]")

# What has to be among the checks, so that a part that was left out by mistake is no part that nobody asked for.
EVERYWHERE = {"network-address", "dns", "libraries", "manifest-digests", "manifest-paths"}
OF_PROFILE = {"minimal": set(), "default": {"cxx", "ssh-server"}, "devel": {"cxx", "ssh-server", "compile"}}


def console(process, far, seconds):
    """The console's lines, without control sequences. Ends with the process, or raises TimeoutError."""
    # The monotonic clock only decides when to give up; nothing of it is kept.
    deadline = time.monotonic() + seconds
    selector = selectors.DefaultSelector()
    selector.register(process.stdout, selectors.EVENT_READ)
    selector.register(far.socket, selectors.EVENT_READ)
    rest = b""
    while True:
        left = deadline - time.monotonic()
        ready = selector.select(left) if left > 0 else []
        if not ready:
            raise TimeoutError
        for key, _ in ready:
            if key.fileobj is far.socket:
                far.answer()
                continue
            data = os.read(process.stdout.fileno(), 65536)
            *lines, rest = (rest + data).split(b"\n")
            if not data and rest:
                lines, rest = [rest], b""
            for line in lines:
                yield CONTROL.sub("", line.decode("utf-8", "replace")).rstrip()
            if not data:
                return


def boot(machine, name, card, arguments, required):
    """(lines of the self-check, why it failed or None)."""
    far = peer.Peer("/build", name)
    command = machine.common + far.arguments(card) + arguments
    print(f"== {name}: {' '.join(command)}", flush=True)
    checks, recent, verdict, off, problem = [], [], None, False, None
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for line in console(process, far, SECONDS_PER_BOOT):
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
        far.close()

    seen = [CHECK.fullmatch(check) for check in checks if CHECK.fullmatch(check)]
    failed = [check[0] for check in seen if check[2] != "ok"]
    passed = len(seen) - len(failed)
    missing = required - {check[1] for check in seen}
    if problem is None:
        if verdict is None:
            problem = "the machine went off before the self-check was over"
        elif failed:
            problem = f"{len(failed)} of {verdict[3]} checks failed: {'; '.join(failed)}"
        elif verdict[1] != "PASSED" or verdict[2] != verdict[3] or int(verdict[3]) != passed or passed == 0:
            problem = f"{passed} checks were seen, but the verdict is `{verdict[0]}`"
        elif missing:
            problem = f"nothing was said of {', '.join(sorted(missing))}"
        elif not off:
            problem = "the machine was not switched off after the self-check"
        elif status != 0:
            problem = f"qemu ended with status {status}"
    if problem:
        print(f"\nboot-test: {name}: {problem}; the last lines of the console:", file=sys.stderr)
        for line in recent:
            print(f"    {line}", file=sys.stderr)
    return checks, problem


def boots(machine, profile, images, tree):
    """(name, network card, qemu's arguments, what it has to say)."""
    required = EVERYWHERE | OF_PROFILE[profile]
    for name, card, arguments in machine.boots(images, profile):
        yield name, card, arguments, required | ({"disks"} if name == "direct" else set())
    initrd = containers.initrd(machine.architecture, images, tree, "/build/containers.img")
    yield "containers", "virtio-net-pci", machine.direct(images, 1536, initrd, containers.INIT), containers.REQUIRED


def main(architecture, profile, images, tree, result):
    machine = machines.Machine(architecture, "/build")
    good, text = True, []
    for name, card, arguments, required in boots(machine, profile, images, tree):
        for _ in range(ATTEMPTS):
            checks, problem = boot(machine, name, card, arguments, required)
            if problem is None or not STARVED.search(problem):
                break
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
