/* A boot sector: SeaBIOS runs it at 0x7c00. It prints the six bytes of the
 * RTC's date and time, read once its update is over, on Xen's debug port:
 *
 *     BOOTSECTOR 261122055201   (BCD: year month day hours minutes seconds)
 */
    .code16
    .globl _start
_start:
    cli
    xor %ax, %ax
    mov %ax, %ds
    mov $banner, %si
1:  lodsb
    test %al, %al
    jz 2f
    outb %al, $0xe9
    jmp 1b

2:  mov $10, %al                /* status A: wait for bit 7 to go */
    outb %al, $0x70
    inb $0x71, %al
    test %al, %al
    js 2b

    mov $registers, %si
    mov $6, %cx
3:  lodsb
    outb %al, $0x70
    inb $0x71, %al
    mov %al, %ah
    shr $4, %al
    add $'0', %al
    outb %al, $0xe9
    mov %ah, %al
    and $15, %al
    add $'0', %al
    outb %al, $0xe9
    loop 3b
    mov $'\n', %al
    outb %al, $0xe9
4:  hlt
    jmp 4b

registers: .byte 9, 8, 7, 4, 2, 0
banner: .asciz "BOOTSECTOR "
    .org 510
    .word 0xaa55
