# Where things are in memory, below 1 MiB. Both parts of the boot code agree on this.
#
#   00000   interrupt vectors, the firmware's variables
#   00500   stack, growing down from 07c00
#   07c00   START: mbr.bin (512 bytes with the partition table) or the first 2 KiB of cd.bin, put there by firmware
#   09000   LOADER: loader.bin
#   0b000   VARIABLES of the loader, zeroed when it starts
#   10000   SETUP: the kernel's real-mode part, at most 32 KiB; its stack and heap above that, up to HEAP_END
#   1e000   COMMAND_LINE
#   20000   BOUNCE: what is read from the disk. 64 KiB that begin at a multiple of 64 KiB: no read crosses such a
#           boundary, which the DMA controllers of old machines cannot do.
#   30000   not used: the firmware's own data (EBDA) grows down from 640 KiB
#
# The firmware of a PC is called in real mode: an address is segment * 16 + offset, both of 16 bits, so a program sees
# 64 KiB at a time and 1 MiB in all. Up to 0ffff the segment is 0 here, and an offset is the address itself.

        .set    START,          0x7c00
        .set    LOADER,         0x9000
        .set    LOADER_BYTES,   0x2000
        .set    VARIABLES,      LOADER + LOADER_BYTES
        .set    SETUP_SEGMENT,  0x1000
        .set    HEAP_END,       0xe000          # within SETUP_SEGMENT
        .set    COMMAND_LINE,   0x1e000
        .set    BOUNCE_SEGMENT, 0x2000
        .set    BOUNCE_BYTES,   0x10000

# The loader's header (loader.s describes it).
        .set    MAGIC_AT,       16
        .set    MAGIC_LOW,      0x72706572      # "repr"
        .set    MAGIC_HIGH,     0x6c622d6f      # "o-bl"

# How often a failed read is tried again: a drive may have to spin up first.
        .set    TRIES,          5
