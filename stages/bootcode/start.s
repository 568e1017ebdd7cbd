# The first part, which firmware loads: it fetches the loader (loader.s) and jumps to it.
#
# Without CD: mbr.bin, 440 bytes, for the first sector of a disk. Bytes 440 to 511 of that sector belong to the disk
# (signature, partition table, 55 aa). The image's writer fills in, in the disk address packet that ends the code:
#
#   offset  size
#   424     2       10 00: where a writer finds the packet
#   426     2       sectors of the loader: 16
#   428     4       00 90 00 00: the loader's address
#   432     8       the loader's first sector, of 512 bytes
#
# With CD: the first 2048 bytes of cd.bin, an El Torito boot image without emulation (load segment 0 or 7c0, 4 sectors:
# more is not needed, and not all firmware loads more). The loader follows in the same file. Where that is stands in the
# boot information table at offset 8, which programs that write ISO images know how to fill in (-boot-info-table):
#
#   offset  size
#   8       4       sector of the primary volume descriptor: 16         (not read here)
#   12      4       the file's first sector, of 2048 bytes
#   16      4       its length                                          (not read here)
#   20      4       sum of its 32-bit words from offset 64 on, mod 2^32 (not read here)
#   24      40      zero
#
# The loader gets: CS, DS, ES, SS = 0, the stack below 7c00, interrupts on, the direction flag clear; DL the drive by the
# firmware's number, CL the logarithm of how many units of 512 bytes a sector of it has (0 or 2).

        .include "layout.s"
        .code16
        .text
        .globl  start
start:
        jmp     begin
    .ifdef CD
        .org    12
table_file:
        .long   0
        .org    64
    .endif
begin:
        # Nothing but CS:IP and DL is certain; some firmware comes by 07c0:0000. A stack needs two instructions, between
        # which no interrupt may come.
        cli
        xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        mov     $START, %sp
        ljmp    $0, $1f
1:      sti
        cld
        mov     %dl, drive
        call    uart_init

    .ifdef CD
        # El Torito demands extended reads of such a drive; to ask for them (41h) confuses some firmware.
        mov     table_file, %eax
        test    %eax, %eax
        jz      no_table
        inc     %eax                            # the loader is in the sector after this one
        mov     %eax, packet_sector
    .else
        mov     $0x41, %ah
        mov     $0x55aa, %bx
        mov     drive, %dl
        int     $0x13
        jc      no_extensions
        cmp     $0xaa55, %bx
        jne     no_extensions
        test    $1, %cl                         # functions 42h to 44h
        jz      no_extensions
    .endif

        # The count is written back by a read that fails, so it is kept. The stack holds what firmware may change.
        mov     packet_count, %di
        mov     $TRIES, %bp
2:      mov     %di, packet_count
        mov     $packet, %si
        mov     drive, %dl
        mov     $0x42, %ah
        push    %di
        push    %bp
        int     $0x13
        pop     %bp
        pop     %di
        jnc     3f
        mov     drive, %dl
        xor     %ax, %ax                        # reset the drive
        int     $0x13
        dec     %bp
        jnz     2b
        call    fail
        .asciz  "repro: cannot read the boot loader"

3:      cmpl    $MAGIC_LOW, LOADER + MAGIC_AT
        jne     no_loader
        mov     drive, %dl
    .ifdef CD
        mov     $2, %cl
    .else
        mov     $0, %cl
    .endif
        jmp     LOADER

no_loader:
        call    fail
        .asciz  "repro: the boot loader is not where it should be"
    .ifdef CD
no_table:
        call    fail
        .asciz  "repro: the boot information table is empty"
    .else
no_extensions:
        call    fail
        .asciz  "repro: this firmware cannot read large disks"
    .endif

        .include "console.s"

drive:  .byte   0

# A disk address packet (INT 13h AH=42h). .org refuses to go back: what is before must have room.
    .ifdef CD
        .org    2032
    .else
        .org    424
    .endif
packet:
        .word   16
    .ifdef CD
packet_count:
        .word   LOADER_BYTES / 2048
    .else
packet_count:
        .word   0
    .endif
        .word   LOADER, 0
packet_sector:
        .quad   0
