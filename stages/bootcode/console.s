# Words for people: on the screen by INT 10h, and on the first serial port, so that a log has them. The port is used
# directly: INT 14h is too slow and, with many firmwares, does not reach it.
#
# Expects DS = 0 and the direction flag clear, as everything here does.

# The serial port: 115200 bits per second, 8N1, as the kernel's console has it. Changes AX, SI.
uart_init:
        push    %dx
        mov     $uart_settings, %si
1:      lodsw                                   # AL: value, AH: low byte of the port
        mov     $0x03, %dh
        mov     %ah, %dl
        outb    %al, %dx
        cmp     $uart_settings_end, %si
        jb      1b
        pop     %dx
        ret
uart_settings:
        .byte   0x00, 0xf9                      # no interrupts
        .byte   0x80, 0xfb                      # the next two are the divisor
        .byte   0x01, 0xf8
        .byte   0x00, 0xf9
        .byte   0x03, 0xfb                      # 8 bits, no parity, 1 stop bit
        .byte   0x07, 0xfa                      # FIFO on and empty
        .byte   0x03, 0xfc                      # DTR, RTS
uart_settings_end:

# Writes the character AL. Changes nothing: old firmware does change BP in a teletype call.
putc:
        pushal
        push    %ax
        mov     $0x0e, %ah
        mov     $0x0007, %bx
        int     $0x10
        mov     $0x3fd, %dx
        xor     %cx, %cx
1:      inb     %dx, %al                        # a port that does not exist reads as ff: ready
        test    $0x20, %al
        loopz   1b                              # and one that is stuck costs 65536 reads
        pop     %ax
        mov     $0xf8, %dl
        outb    %al, %dx
        popal
        ret

# Writes the text at SI, up to a zero byte. Leaves SI behind that; changes AL.
1:      call    putc
puts:
        lodsb
        test    %al, %al
        jnz     1b
        ret

# Writes the text that stands right behind the call, and goes on behind that. Changes AL, SI.
say:
        pop     %si
        call    puts
        jmp     *%si

# The same, as last words: after a key the firmware tries its next device. INT 18h says that this one did not boot;
# where that comes back, INT 19h starts over.
fail:
        pop     %si
        sti
        call    puts
        call    say
        .asciz  "\r\nPress a key to try the next boot device.\r\n"
        xor     %ax, %ax
        int     $0x16
        int     $0x18
        int     $0x19
1:      hlt
        jmp     1b
