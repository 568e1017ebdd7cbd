# A boot loader for BIOS firmware: it reads a kernel and an initramfs from sectors that it was told, and starts the
# kernel by the Linux/x86 boot protocol (Documentation/arch/x86/boot.rst, "boot.rst" below). It knows no file system, no
# partition table and no configuration: all that it needs is patched into its header when the image is made.
#
# Three files come of this folder; start.s says what is patched into the first parts:
#
#   mbr.bin     440 bytes   start.s for the first sector of a disk
#   loader.bin  8192 bytes  this; anywhere on the disk, such as in a BIOS boot partition or behind the GPT
#   cd.bin      10240 bytes start.s for an optical disc, and the same loader.bin behind it at offset 2048
#
# A disk's mbr.bin can also point at the loader inside a cd.bin (sector 4 of the file): so an ISO image that is written
# to a stick boots with a single copy.
#
# The header, at the start of loader.bin (so at offset 2048 of cd.bin); numbers are little-endian:
#
#   offset  size
#   0       16      code: a jump over the header
#   16      8       "repro-bl"
#   24      2       version of this layout: 1
#   26      2       how many extents there is room for: 252
#   28      2    *  number of extents of the kernel, at least 1
#   30      2    *  number of extents of the initramfs, 0 without any
#   32      4    *  size of the kernel in bytes
#   36      4    *  size of the initramfs in bytes, 0 without any
#   40      8       zero
#   48      1024 *  the kernel's command line, with a zero byte at its end
#   1072    3024 *  the extents, those of the kernel first, 12 bytes each:
#       0       8   the first sector, counted from the start of the disk
#       8       4   number of sectors
#   4096            code
#
# Fields with * are patched; all are zero in what is built here. A sector has 512 bytes, also on optical discs: there
# the first sector of each extent is a multiple of 4, and so is its length, but for the last extent of a file. The
# extents of a file, in order, hold at least as many bytes as the file has; what is behind them is not used.

        .include "layout.s"

        .set    SECTORS_AT_ONCE, 64             # 127 is where some firmware ends; 64 is 16 sectors of a disc
        .set    HIGH_MEMORY,    0x100000        # where the kernel's other part belongs
        .set    PAGE,           0x1000
        .set    MAP_ENTRIES,    128

# Offsets in the kernel's setup header (boot.rst, "The Real-Mode Kernel Header").
        .set    SETUP_SECTORS,  0x1f1
        .set    VIDEO_MODE,     0x1fa
        .set    BOOT_FLAG,      0x1fe
        .set    HEADER_MAGIC,   0x202
        .set    PROTOCOL,       0x206
        .set    LOADER_TYPE,    0x210
        .set    LOAD_FLAGS,     0x211
        .set    RAMDISK_IMAGE,  0x218
        .set    RAMDISK_SIZE,   0x21c
        .set    HEAP_END_PTR,   0x224
        .set    COMMAND_PTR,    0x228
        .set    RAMDISK_MAX,    0x22c
        .set    ALIGNMENT,      0x230
        .set    RELOCATABLE,    0x234
        .set    COMMAND_MAX,    0x238
        .set    PREFERRED,      0x258
        .set    INIT_SIZE,      0x260

# Variables lie behind the loader and take no room in the file.
        .set    variables_end, VARIABLES
    .macro variable name, bytes
        .set    \name, variables_end
        .set    variables_end, variables_end + \bytes
    .endm
        variable drive, 1                       # by the firmware's number
        variable shift, 1                       # units of 512 bytes in a sector of the drive: 1 << shift
        variable tries, 1
        variable status, 1                      # what the firmware said of a failed read
        variable probe, 2
        variable next_extent, 2                 # of the file that is open: what is still to be read
        variable extents_left, 2
        variable map_end, 2
        variable chunks, 4
        variable mask, 4                        # (1 << shift) - 1
        variable bytes_left, 4                  # of the file
        variable sector, 8                      # of the extent
        variable sectors_left, 4
        variable filled, 4                      # of the bounce buffer
        variable chunk, 4                       # of that: the file's
        variable setup_bytes, 4
        variable ramdisk, 4
        variable packet, 16
        variable entry, 24
        variable map, (MAP_ENTRIES * 12)        # start, end, 1 for memory that can be used

        .code16
        .text
        .globl  start
start:
        jmp     begin

        .org    MAGIC_AT
        .long   MAGIC_LOW, MAGIC_HIGH
        .word   1
        .word   (code - extents) / 12
kernel_extents:
        .word   0
initramfs_extents:
        .word   0
kernel_bytes:
        .long   0
initramfs_bytes:
        .long   0
        .org    48
command_line:
        .org    1072
extents:
        .org    4096
code:

begin:
        mov     %cl, %bl
        mov     $VARIABLES, %di
        mov     $variables_end - VARIABLES, %cx
        xor     %ax, %ax
        rep stosb
        mov     %dl, drive
        mov     %bl, shift
        mov     %bl, %cl
        mov     $1, %eax
        shl     %cl, %eax
        dec     %eax
        mov     %eax, mask
        cmpw    $0, kernel_extents
        je      no_list

        call    read_map

        call    say
        .asciz  "repro: loading the kernel "
        mov     $extents, %si
        mov     kernel_extents, %ax
        mov     kernel_bytes, %ecx
        call    open
        call    fill
        call    examine_kernel
        mov     $BOUNCE_SEGMENT << 4, %esi
        mov     $SETUP_SEGMENT << 4, %edi
        mov     setup_bytes, %ecx
        call    copy
        mov     $HIGH_MEMORY, %edi              # ESI is where the other part begins
        mov     chunk, %ecx
        sub     setup_bytes, %ecx
        call    copy
        call    load

        mov     initramfs_bytes, %ecx
        test    %ecx, %ecx
        jz      start_kernel
        call    say
        .asciz  "\r\nrepro: loading the initramfs "
        call    find_room
        mov     %eax, ramdisk
        imul    $12, kernel_extents, %si
        add     $extents, %si
        mov     initramfs_extents, %ax
        mov     initramfs_bytes, %ecx
        call    open
        mov     ramdisk, %edi
        call    load

# boot.rst, "Running the Kernel": CS is SETUP_SEGMENT + 20h, all other segments are SETUP_SEGMENT.
start_kernel:
        call    say
        .asciz  "\r\nrepro: starting the kernel\r\n"
        mov     $SETUP_SEGMENT, %ax
        mov     %ax, %fs
        mov     $command_line, %si
        xor     %ecx, %ecx
1:      cmpb    $0, (%si)                       # a writer of images puts a zero byte; the header's end has one anyway
        je      2f
        inc     %si
        inc     %ecx
        cmp     $1024, %cx
        jb      1b
        jmp     long_command
2:      cmp     %fs:COMMAND_MAX, %ecx
        ja      long_command
        inc     %ecx
        mov     $command_line, %esi
        mov     $COMMAND_LINE, %edi
        call    copy

        movb    $0xff, %fs:LOADER_TYPE          # a loader without a number of its own
        orb     $0x80, %fs:LOAD_FLAGS           # CAN_USE_HEAP: heap_end_ptr holds
        movw    $HEAP_END - 0x200, %fs:HEAP_END_PTR
        movw    $0xffff, %fs:VIDEO_MODE         # "normal"
        movl    $COMMAND_LINE, %fs:COMMAND_PTR
        mov     ramdisk, %eax
        mov     %eax, %fs:RAMDISK_IMAGE
        mov     initramfs_bytes, %eax
        mov     %eax, %fs:RAMDISK_SIZE
        cli
        mov     $SETUP_SEGMENT, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %gs
        mov     %ax, %ss
        mov     $HEAP_END, %sp
        ljmp    $SETUP_SEGMENT + 0x20, $0

no_list:
        call    fail
        .asciz  "repro: this image names no kernel: its block list was not filled in"
long_command:
        call    fail
        .asciz  "repro: the command line is longer than this kernel allows"

# ---- the kernel's header ---------------------------------------------------------------------------------------------

# Looks at the header, which is in the bounce buffer with the whole real-mode part, since that has at most 32 KiB. Sets
# setup_bytes, and takes the kernel's memory off the map: where its other part is loaded, and where it will unpack
# itself to (from protocol 2.10 on it tells; a relocatable one takes the next aligned address, but none below the
# preferred one).
examine_kernel:
        mov     $BOUNCE_SEGMENT, %ax
        mov     %ax, %fs
        cmpl    $1024, chunk
        jb      no_kernel
        cmpw    $0xaa55, %fs:BOOT_FLAG
        jne     no_kernel
        cmpl    $0x53726448, %fs:HEADER_MAGIC   # "HdrS"
        jne     no_kernel
        cmpw    $0x0206, %fs:PROTOCOL
        jb      old_kernel
        testb   $1, %fs:LOAD_FLAGS              # LOADED_HIGH: a bzImage
        jz      old_kernel
        movzbl  %fs:SETUP_SECTORS, %ebx
        test    %bl, %bl
        jnz     1f
        mov     $4, %bl
1:      inc     %ebx                            # the boot sector is not counted
        shl     $9, %ebx
        mov     %ebx, setup_bytes
        cmp     $0x8000, %ebx
        ja      no_kernel
        mov     $HIGH_MEMORY, %esi
        mov     kernel_bytes, %edi
        sub     %ebx, %edi
        jbe     no_kernel
        add     %esi, %edi
        jc      kernel_memory
        call    take_memory

        cmpw    $0x020a, %fs:PROTOCOL
        jb      4f
        cmpl    $0, %fs:PREFERRED + 4
        jne     kernel_memory
        mov     %fs:PREFERRED, %esi
        cmpb    $0, %fs:RELOCATABLE
        je      3f
        mov     %fs:ALIGNMENT, %eax
        dec     %eax
        mov     %eax, %edx
        add     $HIGH_MEMORY, %eax
        not     %edx
        and     %edx, %eax
        cmp     %esi, %eax
        jbe     3f
        mov     %eax, %esi
3:      mov     %fs:INIT_SIZE, %edi
        add     %esi, %edi
        jc      kernel_memory
        call    take_memory
4:      ret

no_kernel:
        call    fail
        .asciz  "\r\nrepro: the first file is no Linux kernel"
old_kernel:
        call    fail
        .asciz  "\r\nrepro: the kernel is too old: it must be a bzImage of boot protocol 2.06 or later"

# ---- memory ----------------------------------------------------------------------------------------------------------

# The firmware's map of memory (INT 15h EAX=E820h; ACPI specification, "System Address Map Interfaces"), as far as it is
# below 4 GiB. Firmware may change any register, and must be given "SMAP" anew each time.
read_map:
        movw    $map, map_end
        xor     %ebx, %ebx
1:      mov     $0xe820, %eax
        mov     $0x534d4150, %edx
        mov     $20, %ecx
        mov     $entry, %di
        int     $0x15
        jc      2f                              # also means: there are no more
        cmp     $0x534d4150, %eax
        jne     2f
        push    %ebx
        call    add_entry
        pop     %ebx
        test    %ebx, %ebx                      # 0: that was the last one
        jnz     1b
2:      cmpw    $map, map_end
        je      no_map
        ret
no_map:
        call    fail
        .asciz  "repro: the firmware does not tell what memory there is (INT 15h E820h)"

# Adds `entry` to the map: base and length of 64 bits, type. Of memory that can be used (type 1) whole pages count.
add_entry:
        cmpl    $0, entry + 4
        jne     2f
        mov     entry, %esi
        mov     entry + 8, %edi
        mov     entry + 12, %edx
        add     %esi, %edi
        adc     $0, %edx
        jz      1f
        mov     $-PAGE, %edi                    # the last page's address
1:      xor     %eax, %eax
        cmpl    $1, entry + 16
        jne     record
        inc     %eax
        and     $-PAGE, %edi
        add     $PAGE - 1, %esi
        jc      2f
        and     $-PAGE, %esi
        jmp     record
2:      ret

# Writes ESI to EDI (not included) with the kind EAX into the map, unless that is nothing.
record:
        cmp     %edi, %esi
        jae     1f
        mov     map_end, %bx
        cmp     $map + MAP_ENTRIES * 12, %bx
        jae     long_map
        mov     %esi, (%bx)
        mov     %edi, 4(%bx)
        mov     %eax, 8(%bx)
        add     $12, %bx
        mov     %bx, map_end
1:      ret
long_map:
        call    fail
        .asciz  "repro: the firmware's map of memory is too long"

# Fails unless all from ESI to EDI is memory that can be used; takes it off the map. One piece may end where another
# begins: as long as a piece holds ESI, ESI moves to its end.
take_memory:
        push    %esi
1:      mov     $map, %bx
2:      cmpl    $1, 8(%bx)
        jne     3f
        cmp     (%bx), %esi
        jb      3f
        cmp     4(%bx), %esi
        jae     3f
        mov     4(%bx), %esi
        cmp     %edi, %esi
        jb      1b
        pop     %esi
        xor     %eax, %eax
        jmp     record
3:      add     $12, %bx
        cmp     map_end, %bx
        jb      2b
kernel_memory:
        call    fail
        .asciz  "\r\nrepro: not enough memory for the kernel"

# The highest place for the initramfs, in EAX: whole, in memory that can be used, from a page's start, below the end
# that the kernel names, and apart from all that is taken. Pieces of the map may overlap: then what is taken counts.
find_room:
        mov     $SETUP_SEGMENT, %ax
        mov     %ax, %fs
        mov     initramfs_bytes, %ecx
        mov     %fs:RAMDISK_MAX, %edx
        inc     %edx                            # the last byte that may be used is named
        jnz     1f
        dec     %edx
1:      and     $-PAGE, %edx                    # EDX: the end
        xor     %eax, %eax                      # EAX: the best so far
        mov     $map, %bx
2:      cmpl    $1, 8(%bx)
        jne     5f
        mov     (%bx), %esi
        cmp     $HIGH_MEMORY, %esi
        jae     3f
        mov     $HIGH_MEMORY, %esi
3:      mov     4(%bx), %edi
        cmp     %edx, %edi
        jbe     4f
        mov     %edx, %edi
4:      sub     %ecx, %edi
        jb      5f
        and     $-PAGE, %edi
        cmp     %esi, %edi
        jb      5f
        cmp     %eax, %edi
        jbe     5f
        mov     %edi, %eax
5:      add     $12, %bx
        cmp     map_end, %bx
        jb      2b
        test    %eax, %eax
        jz      ramdisk_memory
        # Nothing that is taken may overlap it; else what begins there, and all above, is out of the question.
        lea     (%eax, %ecx), %edi
        mov     $map, %bx
6:      cmpl    $1, 8(%bx)
        je      7f
        cmp     %edi, (%bx)
        jae     7f
        cmp     %eax, 4(%bx)
        jbe     7f
        mov     (%bx), %edx
        jmp     1b
7:      add     $12, %bx
        cmp     map_end, %bx
        jb      6b
        ret
ramdisk_memory:
        call    fail
        .asciz  "\r\nrepro: not enough memory for the initramfs"

# Copies ECX bytes from ESI to EDI, which are addresses and not offsets, and leaves both behind what was copied. Changes ECX and GS too.
#
# Real mode does not reach beyond 1 MiB, but for the moment in protected mode that this takes it does: with a data
# segment of 4 GiB. Interrupts are off, since the firmware's handlers are for real mode. That segment registers keep
# their limits when protected mode is left would save the trip each time, but nobody promises it: firmware that goes to
# protected mode itself in INT 13h puts the limits back. It may close address line 20 as well, so that is looked at here.
copy:
        push    %eax
        push    %edx
        call    open_a20
        cli
        lgdtl   gdt_pointer
        mov     %cr0, %eax
        or      $1, %al
        mov     %eax, %cr0
        ljmp    $8, $1f                         # CS with the descriptor, and no instruction decoded too early
1:      mov     $24, %ax
        mov     %ax, %ss
        mov     $16, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ecx, %edx
        shr     $2, %ecx
        rep movsl (%esi), (%edi)
        mov     %edx, %ecx
        and     $3, %ecx
        rep movsb (%esi), (%edi)
        mov     $24, %ax                        # limits as real mode has them
        mov     %ax, %ds
        mov     %ax, %es
        mov     %cr0, %eax
        and     $0xfe, %al
        mov     %eax, %cr0
        ljmp    $0, $2f
2:      xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        sti
        pop     %edx
        pop     %eax
        ret

        .balign 8
gdt:
        .quad   0
        .quad   0x00009a000000ffff              # 8: code, 64 KiB from 0, 16 bits
        .quad   0x00cf92000000ffff              # 16: data, 4 GiB from 0
        .quad   0x000092000000ffff              # 24: data, 64 KiB from 0
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .long   gdt

# ---- address line 20 -------------------------------------------------------------------------------------------------

# Memory beyond 1 MiB is there only with address line 20 open: at its start a PC holds it at 0, unless the firmware has
# opened it, as nearly all do. There are three ways, from the most polite one on; after each it is looked at. Changes
# nothing but GS.
open_a20:
        pushal
        call    a20_is_open
        jnc     1f
        mov     $0x2401, %ax                    # ask the firmware
        int     $0x15
        call    a20_is_open
        jnc     1f
        inb     $0x92, %al                      # "fast A20": bit 1 opens; bit 0 would reset the machine
        or      $0x02, %al
        and     $0xfe, %al
        outb    %al, $0x92
        call    a20_is_open
        jnc     1f
        call    keyboard_ready                  # the keyboard controller's output port
        mov     $0xd1, %al
        outb    %al, $0x64
        call    keyboard_ready
        mov     $0xdf, %al
        outb    %al, $0x60
        call    keyboard_ready
        call    a20_is_open
        jnc     1f
        call    fail
        .asciz  "\r\nrepro: address line 20 does not open: memory beyond 1 MiB is out of reach"
1:      popal
        ret

# Carry clear: open. Otherwise ffff:probe+10h is the same memory as probe, and follows when that is changed; it is only
# read, since a part of the kernel may be there. Opening may take a moment, so it is looked at often.
a20_is_open:
        mov     $0xffff, %ax
        mov     %ax, %gs
        mov     $2000, %cx
1:      mov     %gs:probe + 16, %ax
        not     %ax
        mov     %ax, probe
        outb    %al, $0x80                      # takes about a microsecond on any machine
        cmp     %gs:probe + 16, %ax
        clc
        jne     2f
        loop    1b
        stc
2:      ret

# Waits until the keyboard controller takes a byte, for as long as is reasonable.
keyboard_ready:
        xor     %cx, %cx
1:      outb    %al, $0x80
        inb     $0x64, %al
        test    $2, %al
        loopnz  1b
        ret

# ---- files -----------------------------------------------------------------------------------------------------------

# Opens a file: AX extents from SI on, ECX bytes.
open:
        mov     %si, next_extent
        mov     %ax, extents_left
        mov     %ecx, bytes_left
        movl    $0, sectors_left
        movl    $0, chunks
        ret

# Loads what is left of the file to EDI.
load:
1:      call    fill
        mov     chunk, %ecx
        test    %ecx, %ecx
        jz      2f
        mov     $BOUNCE_SEGMENT << 4, %esi
        call    copy
        jmp     1b
2:      ret

# Fills the bounce buffer with what comes next of the file, across extents, and sets `chunk` to how many bytes that is:
# 0 at the file's end.
fill:
        pushal
        movl    $0, filled
1:      mov     filled, %eax
        cmp     bytes_left, %eax
        jae     5f
        mov     $BOUNCE_BYTES, %ecx
        sub     %eax, %ecx
        jz      5f
        cmpl    $0, sectors_left
        jne     3f

        # The next extent. Of an optical disc a last part of a sector is rounded up: what it is rounded to is there.
        cmpw    $0, extents_left
        je      bad_list
        decw    extents_left
        mov     next_extent, %si
        addw    $12, next_extent
        mov     mask, %edx
        mov     (%si), %eax
        test    %edx, %eax
        jnz     bad_list
        mov     %eax, sector
        mov     4(%si), %eax
        mov     %eax, sector + 4
        mov     8(%si), %eax
        test    %edx, %eax
        jz      2f
        cmpw    $0, extents_left
        jne     bad_list
        add     %edx, %eax
        jc      bad_list
        not     %edx
        and     %edx, %eax
2:      mov     %eax, sectors_left
        jmp     1b

3:      shr     $9, %ecx                        # as much as there is room for, as the extent has, as firmware can
        cmp     $SECTORS_AT_ONCE, %ecx
        jbe     4f
        mov     $SECTORS_AT_ONCE, %ecx
4:      cmp     sectors_left, %ecx
        jbe     4f
        mov     sectors_left, %ecx
4:      call    read
        add     %ecx, sector
        adcl    $0, sector + 4
        sub     %ecx, sectors_left
        shl     $9, %ecx
        add     %ecx, filled
        jmp     1b

5:      cmp     bytes_left, %eax                # EAX is `filled`
        jbe     6f
        mov     bytes_left, %eax
6:      mov     %eax, chunk
        sub     %eax, bytes_left
        testb   $3, chunks                      # a dot for each 256 KiB
        jnz     7f
        test    %eax, %eax
        jz      7f
        mov     $'.', %al
        call    putc
7:      incl    chunks
        popal
        ret
bad_list:
        call    fail
        .asciz  "\r\nrepro: the block list does not fit the file or the drive"

# Reads ECX units of 512 bytes at `sector` to `filled` in the bounce buffer. Everything is set up anew for each try:
# firmware writes into the packet, and may change registers.
read:
        pushal
        movb    $TRIES, tries
1:      popal
        pushal
        mov     %ecx, %ebx
        mov     shift, %cl
        mov     sector, %eax
        mov     sector + 4, %edx
        shrd    %cl, %edx, %eax
        shr     %cl, %edx
        shr     %cl, %ebx
        movw    $16, packet
        mov     %bx, packet + 2
        mov     filled, %bx
        mov     %bx, packet + 4
        movw    $BOUNCE_SEGMENT, packet + 6
        mov     %eax, packet + 8
        mov     %edx, packet + 12
        mov     $packet, %si
        mov     drive, %dl
        mov     $0x42, %ah
        int     $0x13
        jnc     2f
        mov     %ah, status
        mov     drive, %dl
        xor     %ax, %ax                        # reset the drive
        int     $0x13
        decb    tries
        jnz     1b
        call    say
        .asciz  "\r\nrepro: cannot read the disk: sector "
        mov     sector + 4, %eax
        call    put_hex
        mov     sector, %eax
        call    put_hex
        call    say
        .asciz  " (of 512 bytes), firmware's drive and status "
        movzbl  drive, %eax
        shl     $16, %eax
        mov     status, %al
        call    put_hex
        call    fail
        .asciz  ""
2:      popal
        ret

# Writes EAX as eight hexadecimal digits.
put_hex:
        pushal
        mov     $8, %cx
1:      rol     $4, %eax
        push    %ax
        and     $15, %al
        add     $'0', %al
        cmp     $'9', %al
        jbe     2f
        add     $'a' - '9' - 1, %al
2:      call    putc
        pop     %ax
        loop    1b
        popal
        ret

        .include "console.s"

# .org refuses to go back: what is before must have room.
        .org    LOADER_BYTES
    .if variables_end > (SETUP_SEGMENT << 4)
        .error  "the variables reach into the kernel's memory"
    .endif
